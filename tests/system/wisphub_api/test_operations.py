"""What operators are given, read by Prometheus' own tool: alert rules, and a dashboard's queries."""

import json
import re
import subprocess

import pytest
from tests.unit.wisphub_api.test_operations import ALERTS, QUERIES, ROOT

TESTS = (ROOT / "ops" / "alerts.test.yml").read_text()


def promtool(*words: str) -> None:
    command = ["promtool", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.smoke
def test_the_alert_rules_load():
    promtool("check", "rules", "ops/alerts.yml")


def test_each_alert_fires_when_it_should_and_only_then():
    promtool("test", "rules", "ops/alerts.test.yml")
    cases = {name: re.findall(rf"alertname: {name}, exp_alerts: \[\]", TESTS) for name in ALERTS}
    assert [name for name, calm in cases.items() if not calm] == []
    firing = re.findall(r"^ +alertname: (\w+)\n +exp_alerts:\n +- exp_labels", TESTS, re.MULTILINE)
    assert set(firing) == set(ALERTS)


@pytest.mark.smoke
def test_the_queries_of_the_dashboard_can_be_read(tmp_path):
    """Prometheus reads them once Grafana has put its variables in."""
    queries = [
        query.replace("$instance", ".*").replace("$__rate_interval", "5m").replace("\n", " ")
        for query in QUERIES
    ]
    rules = [
        {"record": "some:query", "labels": {"number": str(at)}, "expr": q} for at, q in enumerate(queries)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))  # JSON is YAML
    promtool("check", "rules", "--lint-fatal", str(file))
