"""The environment is read once, and each bad value is named."""

import datetime as dt
import re
import sys
from pathlib import Path

import pytest

from wisphub_api.api_keys import ApiKey, digest
from wisphub_api.exceptions import SettingsError
from wisphub_api.setting_values import Secret, is_loopback
from wisphub_api.settings import ENVIRONMENT, Settings, read_settings

GOOD = {
    "WISPHUB_NET_HOST": "https://api.wisphub.net",
    "WISPHUB_NET_KEY": "upstream-key",
    "WISPHUB_API_KEYS": "bot:key-one, app:key:two",
}
ROOT = Path(__file__).parents[3]
NO_FILE = Path("does-not-exist.env")


def read(**changes: str) -> Settings:
    return read_settings(GOOD | changes, NO_FILE)


def problems(**changes: str) -> str:
    with pytest.raises(SettingsError) as raised:
        read(**changes)
    return str(raised.value)


def test_the_defaults_are_those_documented():
    example = (ROOT / ".env.example").read_text()
    documented = dict(re.findall(r"^#([A-Z_]+)=([\d.]+)$", example, re.MULTILINE))
    assert documented.pop("ACTIVE_TICKET_STATES") == ",".join(map(str, read().active_ticket_states))
    settings = read()
    defaults = {name: getattr(settings, field) for field, name in ENVIRONMENT.items()}
    assert {name: float(value) for name, value in documented.items()} == {
        name: value for name, value in defaults.items() if isinstance(value, int | float)
    }
    assert not settings.is_open


def test_keys_have_names_and_may_hold_a_colon():
    assert read().api_keys == {"bot": ApiKey(digest(b"key-one")), "app": ApiKey(digest(b"key:two"))}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WISPHUB_NET_HOST", "api.wisphub.net"),
        ("WISPHUB_NET_HOST", "http://api.wisphub.net"),
        ("WISPHUB_NET_HOST", "https://api.wisphub.net/api"),
        ("WISPHUB_NET_HOST", "ftp://127.0.0.1"),
        ("WISPHUB_NET_HOST", "https://x:abc"),
        ("WISPHUB_NET_HOST", "https://x:99999"),
        ("WISPHUB_NET_HOST", "https://x:0"),
        ("WISPHUB_NET_HOST", "https://exa mple"),
        ("WISPHUB_NET_HOST", "https://x/#part"),
        ("WISPHUB_NET_CONCURRENCY", "0"),
        ("WISPHUB_API_LOG_LEVEL", "loud"),
        ("WISPHUB_API_LOG_SAMPLE", "1.1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318"),
        ("WISPHUB_NET_TIMEOUT", "fast"),
        ("WISPHUB_API_AUTH", "maybe"),
        ("WISPHUB_API_CLIENTS_TTL", "-5"),
        ("WISPHUB_API_PLANS_TTL", "nan"),
        ("WISPHUB_API_MAX_STALE", "inf"),
        ("WISPHUB_API_VERIFY_MIN_FIELDS", "5"),
        ("WISPHUB_API_VERIFY_MIN_FIELDS", "2.5"),
        ("WISPHUB_API_VERIFY_MAX_FAILURES_PER_KEY", "0"),
        ("WISPHUB_API_VERIFY_MAX_FAILURES_PER_KEY", "100001"),
        ("WISPHUB_API_RATE_LIMIT", "0/minute"),
        ("WISPHUB_API_RATE_LIMIT", "600"),
        ("WISPHUB_API_RATE_LIMIT", "600/minute;5/second"),
        ("WISPHUB_API_ALLOWED_HOSTS", "api.example.com:8000"),
        ("WISPHUB_API_ALLOWED_HOSTS", "*"),
        ("WISPHUB_API_CORS_ORIGINS", "*"),
        ("WISPHUB_API_SNAPSHOT_DIR", "no/such/folder"),
        ("WISPHUB_API_CORS_ORIGINS", "app.example.com"),
        ("WISPHUB_API_CORS_ORIGINS", "https://app.example.com/"),
        ("MAX_ACTIVE_TICKETS_PER_ZONE", "0"),
        ("ACTIVE_TICKET_STATES", "1,"),
        ("ACTIVE_TICKET_STATES", "Nuevo"),
        ("DEFAULT_TICKET_STATUS", "0"),
        ("MAX_TICKET_RESOLUTION_DAYS", "366"),
        ("EXTRA_HOLIDAYS", "24/12/2026"),
        ("EXTRA_HOLIDAYS", "2026-12-24, 2026-02-30"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(variable, value):
    told = problems(**{variable: value})
    assert told.startswith(f"{variable} is {value!r}: expected ")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WISPHUB_NET_KEY", "hush hush"),
        ("WISPHUB_NET_KEY", "hushñ"),
        ("WISPHUB_API_KEYS", "hush"),
        ("WISPHUB_API_KEYS", "bot:"),
        ("WISPHUB_API_KEYS", "bot:hush,bot:hush2"),
        ("WISPHUB_API_KEYS", "bot:hush,app:hush"),
        ("WISPHUB_API_KEYS", "bot/admin:hush"),
        ("WISPHUB_NET_HOST", "https://me:hush@api.wisphub.net"),
        ("WISPHUB_NET_HOST", "https://:hush@x"),
        ("WISPHUB_API_REDIS_URL", "http://:hush@127.0.0.1:6379/0"),
        ("WISPHUB_API_REDIS_URL", "redis://:hush@/0"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hush@127.0.0.1:4318"),
    ],
)
def test_a_bad_secret_is_named_but_not_shown(variable, value):
    told = problems(**{variable: value})
    assert told.startswith(f"{variable} is bad: expected ")
    assert "hush" not in told


def test_a_redis_that_cannot_be_used_for_want_of_its_package_stops_the_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    told = problems(WISPHUB_API_REDIS_URL="redis://:hush@127.0.0.1:6379/0")
    assert told.startswith("WISPHUB_API_REDIS_URL needs ")
    assert "pip install 'wisphub-api[redis]'" in told
    assert "hush" not in told
    assert read(WISPHUB_API_REDIS_URL="").redis_url is None


def test_the_collector_of_traces_may_have_a_path_and_needs_no_last_slash():
    told = read(OTEL_EXPORTER_OTLP_ENDPOINT="https://traces.example.com/otlp/")
    assert told.traces_collector == "https://traces.example.com/otlp"


def test_every_problem_is_told_at_once():
    told = problems(WISPHUB_NET_HOST="", WISPHUB_NET_KEY=" ", WISPHUB_API_AUTH="x")
    assert [line.split()[0] for line in told.splitlines()] == [
        "WISPHUB_NET_HOST",
        "WISPHUB_NET_KEY",
        "WISPHUB_API_AUTH",
    ]


def test_a_real_upstream_is_not_served_to_everyone_by_accident():
    assert "WISPHUB_API_KEYS is missing" in problems(WISPHUB_API_KEYS="")


def test_keys_may_come_from_a_file_alone(tmp_path):
    file = tmp_path / "keys"
    file.touch(mode=0o600)
    file.write_text("bot:the-key")
    settings = read(WISPHUB_API_KEYS="", WISPHUB_API_KEYS_FILE=str(file))
    assert (settings.api_keys_file, settings.is_open) == (file, False)


def test_a_file_of_keys_that_cannot_be_used_stops_the_start_but_not_where_nobody_is_asked_for_one():
    missing = {"WISPHUB_API_KEYS_FILE": "no-such-file"}
    assert "WISPHUB_API_KEYS_FILE no-such-file cannot be used" in problems(**missing)
    assert read(WISPHUB_API_AUTH="off", **missing).is_open


def test_hosts_and_origins_are_lists():
    settings = read(
        WISPHUB_API_ALLOWED_HOSTS="API.example.com, *.isp.example, [::1]",
        WISPHUB_API_CORS_ORIGINS="https://app.example.com, http://localhost:3000",
    )
    assert settings.allowed_hosts == ("api.example.com", "*.isp.example", "[::1]")
    assert settings.cors_origins == ("https://app.example.com", "http://localhost:3000")


def test_a_trusted_network_may_be_declared():
    assert read(WISPHUB_API_KEYS="", WISPHUB_API_AUTH="OFF").is_open


def test_a_simulator_on_this_machine_may_be_served_open():
    assert read(WISPHUB_API_KEYS="", WISPHUB_NET_HOST="http://127.0.0.1:8001").is_open


def test_the_file_is_read_and_the_environment_wins(tmp_path):
    file = tmp_path / ".env"
    file.write_text("WISPHUB_API_CLIENTS_TTL=60\nWISPHUB_API_PLANS_TTL=70\n")
    settings = read_settings(GOOD | {"WISPHUB_API_PLANS_TTL": "80"}, file)
    assert (settings.clients_ttl_s, settings.plans_ttl_s) == (60, 80)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    file = tmp_path / ".env"
    file.write_bytes(b"WISPHUB_NET_KEY=\xff\n")
    with pytest.raises(SettingsError, match="not valid UTF-8"):
        read_settings(GOOD, file)


def test_ticket_states_and_extra_holidays_are_lists():
    settings = read(ACTIVE_TICKET_STATES="1, 2", EXTRA_HOLIDAYS="2026-12-24, 2026-12-31")
    assert settings.active_ticket_states == (1, 2)
    assert settings.extra_holidays == (dt.date(2026, 12, 24), dt.date(2026, 12, 31))


def test_a_port_and_an_address_in_brackets_are_allowed():
    assert read(WISPHUB_NET_HOST="http://[::1]:8001/").net_host == "http://[::1]:8001"


def test_no_secret_is_shown_by_repr():
    assert "key-one" not in repr(read())
    assert "upstream-key" not in repr(read())
    assert repr(Secret("x")) == "Secret(***)"


def test_each_setting_has_a_variable_and_stands_in_the_example():
    assert set(ENVIRONMENT) == set(Settings.__struct_fields__)
    example = (ROOT / ".env.example").read_text()
    assert [variable for variable in ENVIRONMENT.values() if f"{variable}=" not in example] == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "sim.localhost"])
def test_loopback_is_recognised(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["api.wisphub.net", "10.0.0.1", "localhost.example"])
def test_other_hosts_are_not_loopback(host):
    assert not is_loopback(host)
