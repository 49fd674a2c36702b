"""What leaves the process can be read by nobody else, and not be changed unnoticed."""

import pytest

from wisphub_api.shared.sealed import Seal, SealBroken

CONTENT = b"Esperanza Benitez, BELLAVISTA" * 20


@pytest.fixture
def seal() -> Seal:
    return Seal("the account's key")


def test_what_was_sealed_is_what_is_opened(seal):
    assert seal.open(seal.close(CONTENT, "copy/clients"), "copy/clients") == CONTENT
    assert Seal("the account's key").open(seal.close(b"", "x"), "x") == b""


def test_nothing_of_it_can_be_read_and_twice_the_same_looks_different(seal):
    sealed = seal.close(CONTENT, "x")
    assert not [part for part in (b"Esperanza", b"BELLAVISTA") if part in sealed]
    assert sealed != seal.close(CONTENT, "x")


@pytest.mark.parametrize(("secret", "purpose"), [("another", "x"), ("the account's key", "y")])
def test_another_key_or_purpose_does_not_open_it(seal, secret, purpose):
    with pytest.raises(SealBroken):
        Seal(secret).open(seal.close(CONTENT, "x"), purpose)


@pytest.mark.parametrize("damage", ["first", "middle", "last", "cut", "longer", "nonce alone", "nothing"])
def test_what_is_damaged_is_not_opened(seal, damage):
    sealed = seal.close(CONTENT, "x")
    at = {"first": 0, "middle": len(sealed) // 2, "last": len(sealed) - 1}.get(damage, 0)
    flipped = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    others = {"cut": sealed[:-1], "longer": sealed + b"x", "nonce alone": sealed[:12], "nothing": b""}
    with pytest.raises(SealBroken):
        seal.open(others.get(damage, flipped), "x")


def test_a_name_tells_accounts_and_hosts_apart_and_nothing_of_either(seal):
    host, secret = "https://api.example.com", "the account's key"
    names = {seal.name(host), Seal("another").name(host), seal.name("https://other.example.com")}
    assert len(names) == 3
    assert Seal(secret).name(host) in names
    assert all(len(name) == 16 and "example" not in name for name in names)


def test_a_name_is_not_of_the_key_that_seals(seal):
    assert seal.name("seal") != seal._derive(b"seal").hex()[:16]
