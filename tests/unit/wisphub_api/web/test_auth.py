"""Which key was given?"""

import pytest

from wisphub_api.web.auth import find_key

KEYS = (("bot", b"key-one"), ("app", b"key-two"))


@pytest.mark.parametrize(("given", "name"), [("key-one", "bot"), ("key-two", "app")])
def test_a_known_key_is_named(given, name):
    assert find_key(KEYS, given) == name


@pytest.mark.parametrize("given", ["", "key-on", "key-one ", "KEY-ONE", "ключ", "\udcff"])
def test_anything_else_is_nobody(given):
    assert find_key(KEYS, given) is None
