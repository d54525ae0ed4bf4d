"""How an SMS is encoded, and in how many parts it goes (3GPP TS 23.038 and 23.040).

GSM-7 has 160 septets in one part, 153 in each of several; UCS-2 70 and 67 UTF-16 units. A character of the extension
table takes two septets, one outside the Basic Multilingual Plane two units, and neither is torn between two parts.
"""

import unicodedata
from typing import Literal

from carillon.domain.values import value

Encoding = Literal["GSM-7", "UCS-2"]

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM = _BASIC | _EXTENSION
_LIMITS: dict[Encoding, tuple[int, int]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}

# Only what looks the same to a reader: letters stay as they are (see `fold`).
_TYPOGRAPHIC = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4`", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u00a0\u202f\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u3000\t", " ")
    | dict.fromkeys("\u00ad\u200b\u2060\ufeff", "")
    | {"\u2026": "...", "\u2022": "-", "\u00b7": "-", "\u2039": "<", "\u203a": ">", "\u2044": "/", "\u2028": "\n"}
)  # fmt: skip
_LETTERS = str.maketrans(
    {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ħ": "h", "Ħ": "H",
     "\u0131": "i", "œ": "oe", "Œ": "OE", "ŋ": "n", "ĳ": "ij", "Ĳ": "IJ", "ẞ": "SS"}
)  # fmt: skip


@value
class Sms:
    """What an SMS costs: its encoding, its parts, and its length in characters as a person counts them."""

    encoding: Encoding
    parts: int
    characters: int


def normalise(text: str) -> str:
    """Replace typographic characters by plain ones where only they force UCS-2; else leave the author's signs."""
    return _cheaper(text, _plain(text))


def fold(text: str) -> str:
    """Write Latin letters that GSM-7 lacks without their marks (`ł` as `l`, `ê` as `e`); leave all else as it is."""
    if is_gsm(text):
        return text
    return "".join(char if is_gsm(char) else _folded(char) for char in _plain(text))


def fold_if_it_helps(text: str) -> str:
    """Fold the text when all of it then fits GSM-7; one Cyrillic letter or emoji means UCS-2 anyway."""
    return _cheaper(text, fold(text))


def _plain(text: str) -> str:
    if is_gsm(text):
        return text
    return unicodedata.normalize("NFC", text).translate(_TYPOGRAPHIC)


def _cheaper(text: str, plain: str) -> str:
    if plain == text:
        return text
    written = unicodedata.normalize("NFC", text)
    return plain if is_gsm(plain) and measure(plain).parts <= measure(written).parts else written


def _folded(char: str) -> str:
    base = unicodedata.normalize("NFKD", char.translate(_LETTERS))
    plain = "".join(part for part in base if not unicodedata.combining(part))
    return plain if plain and is_gsm(plain) else char


def is_gsm(text: str) -> bool:
    """Whether GSM-7 has every character of the text."""
    return _GSM.issuperset(text)


def encoding(text: str) -> Encoding:
    """Name the encoding that the network will use."""
    return "GSM-7" if is_gsm(text) else "UCS-2"


def measure(text: str) -> Sms:
    """Count the parts of a text exactly as given; the caller normalises it first. An empty text has no part."""
    kind = encoding(text)
    single, joined = _LIMITS[kind]
    if kind == "GSM-7":
        units = len(text) + sum(map(text.count, _EXTENSION))
    else:
        units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    parts = (1 if text else 0) if units <= single else _split([_width(char, kind) for char in text], joined)
    return Sms(kind, parts, len(text))


def _width(char: str, kind: Encoding) -> int:
    if kind == "GSM-7":
        return 2 if char in _EXTENSION else 1
    return 2 if ord(char) > 0xFFFF else 1  # noqa: PLR2004


def _split(widths: list[int], room: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
