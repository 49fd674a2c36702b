"""How a server is started, and what is shown of that."""

from pathlib import Path

import pytest

from loadcheck.run.server import Program, asgi, free_port


def test_an_asgi_app_has_the_name_of_its_module() -> None:
    assert asgi("package.module:app", folder=Path()).name == "module"


def test_its_settings_are_shown_without_secrets() -> None:
    program = Program(
        name="api",
        command=("/opt/someone/serve", "--port", "{port}", "--key", "demo", "--token=demo", "--last"),
        env={"API_KEYS": "bot:1", "TTL": "5"},
    )
    assert program.settings() == {
        "command": "serve --port {port} --key *** --token=*** --last",
        "API_KEYS": "***",
        "TTL": "5",
    }


@pytest.mark.parametrize(
    "name", ["API_KEY", "client-secret", "Token", "PASSWORD", "AUTHORIZATION", "credentials", "SENTRY_DSN"]
)
def test_a_name_that_speaks_of_a_secret_hides_its_value(name: str) -> None:
    program = Program(name="api", command=("serve",), env={name: "hush"})
    assert program.settings()[name] == "***"


def test_free_ports_differ() -> None:
    assert free_port() != free_port()
