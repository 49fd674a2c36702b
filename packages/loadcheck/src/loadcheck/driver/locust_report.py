"""Locust's own HTML report, for those who know it; its figures are rounded and include the warm-up."""

from pathlib import Path

from locust.env import Environment
from locust.html import get_html_report


def write_locust_report(path: Path, environment: Environment) -> None:
    """Write what Locust makes of the run; exceptions without their words, which may hold a person's data."""
    for told in environment.runner.exceptions.values() if environment.runner else ():
        told["msg"] = ""
    path.write_text(get_html_report(environment, show_download_link=False), encoding="utf-8")  # type: ignore[no-untyped-call]  # Locust's is untyped
