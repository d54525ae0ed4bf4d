"""Where texts stand: the addresses of templates, which of them exist, and which own texts an organization has."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast, get_args

from carillon.domain.catalog import AUDIENCES, ROWS, Audience
from carillon.domain.channels import ALL, Channel
from carillon.domain.constraints import Locale, Text
from carillon.domain.errors import Fault, Invalid, InvalidValue, NotFound
from carillon.domain.templates import BUILT_IN_LOCALES, Candidate, candidates
from carillon.domain.values import value

OWN_KEY = "own."
MAX_OWN_TEXTS = 1000
"""How many own texts a data set may have: their list is read with each batch of messages."""
_SLUG = re.compile(r"own\.[a-z0-9_-]{1,32}")
_REMINDER = re.compile(r"reminder\.[a-z0-9_]{1,32}")
_LOCALE: Text = get_args(Locale)[1]
_SEPARATOR = "#"
_WITH_CONTENT = "w"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The address of a text."""

    key: str
    audience: Audience
    channel: Channel
    locale: str

    @property
    def own_key(self) -> bool:
        """Whether the organization made the key, so that there is no built-in text."""
        return self.key.startswith(OWN_KEY)

    def at(self, key: str, locale: str) -> "Place":
        """Give the same text's place under another key and locale."""
        return Place(key, self.audience, self.channel, locale)

    def parts(self) -> tuple[str, str, str, str]:
        """Give the four parts of the address."""
        return self.key, self.audience, self.channel, self.locale

    def __str__(self) -> str:
        return _SEPARATOR.join(self.parts())


def place_of_text(text: str) -> Place:
    """Read a place as `str` wrote it."""
    key, audience, channel, locale = text.split(_SEPARATOR)
    return Place(key, cast("Audience", audience), cast("Channel", channel), locale)


def find_place(key: str, audience: str, channel: str, locale: str) -> Place:
    """Name a text; raises NotFound for one that can't exist, Invalid for a locale that is none."""
    if audience not in offered(key):
        raise NotFound(f"there is no template {key} for {audience}")
    if channel not in ALL:
        raise NotFound(f"there is no channel {channel}")
    try:
        _LOCALE.check(locale)
    except InvalidValue as error:
        raise Invalid([Fault("/locale", "invalid_value", "must be a locale such as nl or pt-BR")]) from error
    return Place(key, audience, channel, locale)


def offered(key: str) -> tuple[Audience, ...]:
    """Name the audiences that a template key is for; none when there is no such key."""
    if key in ROWS:
        return tuple(ROWS[key].offers)
    if _SLUG.fullmatch(key):
        return AUDIENCES
    # A reminder that the organization added: it has a key of its own without anybody making one.
    own_reminder = _REMINDER.fullmatch(key) and key != "reminder.review"
    return tuple(ROWS["reminder"].offers) if own_reminder else ()


def known_key(key: str) -> bool:
    """Whether a template key can exist: one of the catalog, a reminder's, or `own.<slug>`."""
    return bool(offered(key))


@lru_cache(maxsize=1)
def built_in_places() -> tuple[Place, ...]:
    """List the addresses of all built-in texts, in order."""
    return tuple(
        sorted(
            Place(row.key, audience, channel, locale)
            for row in ROWS.values()
            for audience in row.offers
            for channel in ALL
            for locale in BUILT_IN_LOCALES
        )
    )


@lru_cache(maxsize=1)
def _built_in() -> frozenset[Place]:
    return frozenset(built_in_places())


def all_places(own: "OwnTexts") -> list[Place]:
    """List the addresses of all texts, built-in and own, in order."""
    built_in = _built_in()
    added = [place for place in own.places() if place not in built_in]
    return sorted([*built_in_places(), *added], key=Place.parts)


@value
class OwnTexts:
    """Which own texts an organization has: by address, the version in force and whether it names a WhatsApp template.

    Kept as it is stored, `{"key#audience#channel#locale": "3w"}`: most readers look up one or two.
    """

    marks: Mapping[str, str] = field(default_factory=dict)

    def version(self, place: Place) -> int | None:
        """Give the version of an own text; None when there is none."""
        mark = self.marks.get(str(place))
        return int(mark.removesuffix(_WITH_CONTENT)) if mark else None

    def has_content(self, place: Place) -> bool:
        """Whether the own text at a place names an approved WhatsApp template."""
        return self.marks.get(str(place), "").endswith(_WITH_CONTENT)

    def places(self) -> Iterator[Place]:
        """Walk the addresses."""
        return map(place_of_text, self.marks)

    def content(self, key: str, audience: Audience, recipient: str | None, organization: str) -> Candidate | None:
        """Find the own WhatsApp template that a reader gets; None when a built-in one comes first, or none is there.

        An own text without one is for replies only, so it is passed over.
        """
        if not self.marks:
            return None
        for candidate in candidates(key, recipient, organization):
            place = Place(candidate.key, audience, "whatsapp", candidate.locale)
            if candidate.own and self.has_content(place):
                return candidate
        return None


def mark(version: int, *, content: bool) -> str:
    """Write what the list of own texts says of one."""
    return f"{version}{_WITH_CONTENT if content else ''}"
