"""What the guides show is what there is."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_scenario_in_the_guide_is_one_of_the_suite() -> None:
    guide = (ROOT / "docs" / "load-testing.md").read_text()
    scenario = (ROOT / "tests" / "perf" / "test_search_beside_verification.py").read_text()
    assert f"```python\n{scenario}```" in guide
