import pytest

from loadcheck.model.cache_status import cache_state


@pytest.mark.parametrize(
    ("header", "state"),
    [
        (None, ""),
        ("", ""),
        ("api", ""),
        ("api; hit; ttl=12", "hit"),
        ("api; hit; ttl=-12", "stale"),
        ("api; hit; detail=stale", "stale"),
        ('api; hit; detail="STALE"', "stale"),
        ("api; fwd=stale; fwd-status=504", "miss"),
        ("api; fwd=miss; stored; collapsed; ttl=-1; detail=stale", "miss"),
        ("api; fwd=miss; stored", "miss"),
        ("near-origin; fwd=miss, near-user; hit", "hit"),
        ("near-origin; hit, near-user; fwd=uri-miss", "miss"),
    ],
)
def test_the_cache_nearest_to_the_user_speaks(header: str | None, state: str) -> None:
    assert cache_state(header) == state
