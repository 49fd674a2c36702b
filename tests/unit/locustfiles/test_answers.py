import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def answers() -> ModuleType:
    """Locust loads these files by path; so does the test."""
    spec = importlib.util.spec_from_file_location("answers", ROOT / "locustfiles" / "answers.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'[{"service_id":1,"name":"A"},{"service_id":7,"name":"B"}]', ""),
        (b'[{"service_id":1,"name":"A"}]', "the reference client is missing"),
        (b"[]", "not an array of objects"),
        (b'[{"service_id":7,"name":"cut off', "not an array of objects"),
        (b'{"detail":"no"}', "not an array of objects"),
        (b"", "not an array of objects"),
    ],
)
def test_a_client_list_holds_the_reference_client(answers: ModuleType, body: bytes, problem: str) -> None:
    assert answers.wrong_in_client_list(body) == problem


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('[{"name":"José Rodríguez"}]', ""),
        ('[{"name":null,"address":"FINCA RODRIGUEZ"}]', ""),
        ('[{"name":"Rodriguez"},{"name":"Ana"}]', "a hit without the query"),
        ("[]", "no hit"),
        ("<html>", "not an array of clients"),
        ('{"name":"Rodriguez"}', "not an array of clients"),
    ],
)
def test_hits_contain_the_query_whatever_its_accents(answers: ModuleType, body: str, problem: str) -> None:
    assert answers.wrong_in_search(body.encode(), "Rodriguez") == problem


def test_a_search_may_be_told_that_it_may_find_nobody(answers: ModuleType) -> None:
    assert answers.wrong_in_search(b"[]", "Test", may_be_empty=True) == ""


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"is_valid":true,"matched_fields":["address"]}', ""),
        (b'{"is_valid":false,"matched_fields":[]}', "the reference data was not verified"),
        (b"{}", "not a verification"),
        (b"", "not a verification"),
    ],
)
def test_the_reference_data_verifies(answers: ModuleType, body: bytes, problem: str) -> None:
    assert answers.wrong_in_verification(body) == problem
