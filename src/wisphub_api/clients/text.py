"""Folding of text, so that it compares without case, accents and spaces."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_NOT_DIGITS: Final = re.compile(r"[^0-9]+")
_SEPARATED: Final = re.compile(r"[,;/|]| y |(?<=\d{10})\s*-\s*(?=\+?\d{10})", re.IGNORECASE)
_PLACE: Final = re.compile(r"(?:(?:v|vda|b)/|(?:vereda|barrio)(?= |$)) ?")
_COUNTRY: Final = "57"
_NATIONAL_DIGITS: Final = 10


def fold(text: str) -> str:
    """Return text without case and accents, trimmed, its white space collapsed."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(text.casefold().split())


def fold_place(text: str) -> str:
    """Return text folded, without a leading `v/`, `vda/`, `vereda`, `barrio` or `b/`, which people omit."""
    folded = fold(text)
    lead = _PLACE.match(folded)
    return folded[lead.end() :] if lead else folded


def document_key(text: str) -> str:
    """Return the letters and digits of an identity document, in one case."""
    if text.isascii() and text.isalnum():
        return text.casefold()
    return "".join(char for char in fold(text) if char.isalnum())


def phone_key(text: str) -> str:
    """Return the digits of one phone number, without Colombia's country code."""
    digits = text if _is_digits(text) else _NOT_DIGITS.sub("", text)
    is_international = len(digits) == len(_COUNTRY) + _NATIONAL_DIGITS and digits.startswith(_COUNTRY)
    return digits[len(_COUNTRY) :] if is_international else digits


def phone_keys(text: str) -> list[str]:
    """Return the key of each number in a record's phone field."""
    parts = (text,) if _is_digits(text) else _SEPARATED.split(text)
    return [key for part in parts if (key := phone_key(part))]


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
