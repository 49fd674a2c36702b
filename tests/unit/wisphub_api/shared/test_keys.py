"""Keys that tell nobody's name or number."""

from wisphub_api.shared.backend import digested


def test_a_key_tells_its_kind_and_nothing_that_it_names():
    key = digested("failures", "anonymous@10.20.30.40", 1032456789)
    assert key.startswith("failures:")
    assert not [part for part in ("anonymous", "10.20", "1032456789") if part in key]


def test_the_same_parts_have_the_same_key_and_others_another():
    keys = {
        digested("a", "b", 7),
        digested("a", "b7"),
        digested("a", "b", "7", ""),
        digested("a", 7, "b"),
        digested("c", "b", 7),
    }
    assert len(keys) == 5
    assert digested("a", "b", 7) in keys


def test_a_key_is_short_whatever_it_names():
    assert len(digested("a", "x" * 10_000)) < 50
