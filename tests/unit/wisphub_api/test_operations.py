"""What operators are given: alert rules, a dashboard and a guide that say what the service does."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import NODEFAULT
from msgspec.structs import FieldInfo
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from wisphub_api.setting_values import Secret
from wisphub_api.settings import ENVIRONMENT, Settings

ROOT = Path(__file__).parents[3]
RULES = (ROOT / "ops" / "alerts.yml").read_text()
DASHBOARD = json.loads((ROOT / "ops" / "grafana-dashboard.json").read_text())
GUIDE = (ROOT / "docs" / "operations.md").read_text()
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
ALERTS = re.findall(r"^ *- alert: (\w+)$", RULES, re.MULTILINE)
ASKED = "\n".join([re.sub(r"^ *summary:.*$", "", RULES, flags=re.MULTILINE), *QUERIES])
OF_PROMETHEUS = {"instance", "job"}


def test_the_dashboard_can_be_imported_anywhere():
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert "id" not in DASHBOARD
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    sources = [panel["datasource"]["uid"] for panel in PANELS]
    sources += [target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]]
    assert set(sources) == {"${datasource}"}
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)


def test_no_panel_of_the_dashboard_lies_on_another():
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


async def samples_after_traffic(api: httpx.AsyncClient, simulator: Any) -> list[Sample]:
    """Read the page after good answers, a 429 and a 403 from WispHub Net, and an identity check."""
    for path in ("clients/", "internet-plans/", "payment-methods/"):
        assert (await api.get(f"/api/v1/{path}")).status_code == 200
    for status in (429, 403):
        simulator.fail(kind="status", status=status, path="/api/tickets/{id}/", count=1)
        await api.get("/api/v1/tickets/999")
    await api.post("/api/v1/clients/7/verify", json={"address": "no", "name": "no"})
    page = (await api.get("/metrics")).text
    return [sample for family in text_string_to_metric_families(page) for sample in family.samples]


async def test_every_figure_that_is_asked_for_is_told_by_the_service(serve, settings, simulator):
    nowhere = Secret("redis://127.0.0.1:1/0")
    async with serve(msgspec.structs.replace(settings, net_rate_per_s=500, redis_url=nowhere)) as api:
        samples = await samples_after_traffic(api, simulator)
    asked = set(re.findall(r"\b(?:wisphub|process|python)_\w+", ASKED))
    assert len(asked) > 15
    assert asked - {sample.name for sample in samples} == set()
    unmet = [
        f"{name}{{{label}{relation}{value}}}"
        for name, matchers in re.findall(r"\b(wisphub_\w+)\{([^}]*)\}", ASKED)
        for label, relation, value in re.findall(r'(\w+)(=~?)"([^"]*)"', matchers)
        if label not in OF_PROMETHEUS | {"status"} and not is_met(samples, name, label, value)
    ]
    assert unmet == []


def is_met(samples: list[Sample], name: str, label: str, value: str) -> bool:
    """Tell whether a figure is told with such a value of a label."""
    values = {sample.labels[label] for sample in samples if sample.name == name and label in sample.labels}
    return any(re.fullmatch(value, found) for found in values)


@pytest.mark.parametrize("alert", ALERTS)
def test_the_guide_says_what_to_do_about_an_alarm(alert):
    assert re.search(rf"^\| `{alert}` \| .+ \| .+ \|$", GUIDE, re.MULTILINE)


def test_the_guide_names_no_alarm_that_there_is_not():
    assert set(re.findall(r"^\| `(WispHubAPI\w+)`", GUIDE, re.MULTILINE)) == set(ALERTS)


def test_the_guide_lists_every_setting_with_its_default():
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) ?\|", GUIDE, re.MULTILINE))
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    assert listed == {variable: shown(fields[name]) for name, variable in ENVIRONMENT.items()}


def shown(field: FieldInfo) -> str:
    """Write a setting's default as the guide does."""
    if field.required:
        return "needed"
    default = field.default if field.default is not NODEFAULT else None
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return f"{default:.10g}" if isinstance(default, int | float) else default or ""
