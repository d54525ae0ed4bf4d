"""Single cells: yes and no, channels, statuses, amounts, lists."""

from __future__ import annotations

import re

from carillon.domain.channels import ALL, CHANNELS
from carillon.domain.record_documents import STATUSES

YES = frozenset({"yes", "y", "true", "1", "x", "ja", "j", "tak", "t", "oui", "o", "v"})
NO = frozenset({"no", "n", "false", "0", "nee", "nie", "non", "-"})
SYNONYMS = {
    "confirmed": "booked",
    "scheduled": "booked",
    "canceled": "cancelled",
    "done": "completed",
    "finished": "completed",
    "noshow": "no_show",
    "declined": "refused",
    "pending": "requested",
}
CONSENTED = tuple(name for name in ALL if CHANNELS[name].needs_consent and name != "telegram")
"""What a plain yes covers; Telegram's consent is the link that the client opens."""
_PARTS = re.compile(r"[;|,\s]+")
_AMOUNT = re.compile(r"(\d{1,3}(?:[ .,'\u00a0]\d{3})*|\d+)(?:[.,](\d{1,2}))?")


def yes_or_no(text: str) -> bool:
    """Read yes or no in the languages we speak; ValueError for anything else."""
    folded = text.casefold()
    if folded not in YES | NO:
        raise ValueError("is neither yes nor no")
    return folded in YES


def grants(text: str) -> dict[str, bool]:
    """Read consent: yes, no, or the channels it was given for; ValueError for a channel that there isn't."""
    if text.casefold() in YES | NO:
        return dict.fromkeys(CONSENTED, text.casefold() in YES)
    named = [part.casefold() for part in _PARTS.split(text) if part]
    strange = [name for name in named if name not in CHANNELS]
    if strange or not named:
        raise ValueError(f"must be yes, no, or channels: {', '.join(CONSENTED)}")
    return dict.fromkeys(named, True)


def status(text: str) -> str:
    """Read an appointment's status; ValueError for one that needs a line in the mapping."""
    folded = re.sub(r"[\s-]+", "_", text.casefold().strip())
    found = SYNONYMS.get(folded, SYNONYMS.get(folded.replace("_", ""), folded))
    if found not in STATUSES:
        raise ValueError(f"is not one of {', '.join(STATUSES)}; give it a line under [values.status] of the mapping")
    return found


def amount(text: str) -> float:
    """Read an amount with a comma or a point before the cents, and marks between thousands or none."""
    match = _AMOUNT.fullmatch(re.sub(r"^[^\d]{0,4}\s*|\s*[^\d]{0,4}$", "", text))
    if match is None:
        raise ValueError("is no amount such as 45.00 or 45,00")
    return float(f"{re.sub(r'[^0-9]', '', match[1])}.{match[2] or 0}")


def items(text: str) -> list[str]:
    """Read a list with semicolons, bars or commas between."""
    return [part.strip() for part in re.split(r"[;|,]", text) if part.strip()]


def whole(text: str) -> int:
    """Read a whole number."""
    if not (text.isascii() and text.isdigit()) or len(text) > 9:  # noqa: PLR2004 - more than any field takes
        raise ValueError("is no whole number")
    return int(text)


def phone(text: str) -> str:
    """Refuse what a spreadsheet made of a number; the rest is the numbering plan's to judge."""
    if re.fullmatch(r"\d[.,]\d+E\+?\d+", text, re.IGNORECASE):
        raise ValueError("is a number that a spreadsheet has rounded; format the column as text and fill it anew")
    return text.replace("\u00a0", " ").replace("\u2011", "-").replace("\u2013", "-")
