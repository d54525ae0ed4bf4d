"""Texts of messages: an organization's own, what may be wrong with them, and in which order texts are looked for."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any

from carillon.domain.catalog import general_key
from carillon.domain.constraints import Items, Text, document
from carillon.domain.errors import Fault, Invalid
from carillon.domain.values import value

BUILT_IN_LOCALES = ("en", "nl", "pl", "fr")
MAX_SUBJECT, MAX_BODY, MAX_HTML = 200, 20_000, 100_000
"""Longest source of each part of a template, in characters."""

Values = Mapping[str, Any]
"""Variables by name, nested as `domain/variables.py` says."""


@document
class ContentTemplate:
    """An approved WhatsApp template: its id at Twilio, and which variable fills which number."""

    content_sid: Annotated[str, Text(max=34, min=34, pattern=r"HX[0-9a-fA-F]{32}")]
    variables: Annotated[dict[str, Annotated[str, Text(max=100, min=1)]], Items(max=99)] = field(default_factory=dict)


@document
class OwnText:
    """A text as an organization wrote it."""

    __omit_none__ = True

    body: str
    subject: str | None = None
    html: str | None = None
    whatsapp: ContentTemplate | None = None


@value
class Mistake:
    """What is wrong in a template, and where: `part` is subject, body or html; line and column count from 1."""

    part: str
    line: int
    column: int
    message: str


class TemplateInvalid(Invalid):
    """A template that may not be stored; `mistakes` holds every fault with its line and column."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(
            [
                Fault(
                    f"/{m.part}",
                    "template_invalid",
                    f"line {m.line}, column {m.column}: {m.message}",
                    m.line,
                    m.column,
                )
                for m in mistakes
            ],
            code="template_invalid",
        )


_INVISIBLE = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Overrides and embeddings make what follows read backwards; the plain marks that Arabic or Hebrew need are fine."""


def forbidden_characters(part: str, source: str) -> list[Mistake]:
    """Find control characters and bidirectional overrides; line breaks and tabs are fine."""
    found = []
    for number, line in enumerate(source.split("\n"), 1):
        for column, char in enumerate(line, 1):
            if (unicodedata.category(char) in ("Cc", "Cs") and char not in "\r\t") or char in _INVISIBLE:
                found.append(Mistake(part, number, column, f"the character U+{ord(char):04X} is not allowed"))
                break
    return found[:20]


def keys_of(key: str) -> list[str]:
    """The key and the general one, in the order of looking."""
    general = general_key(key)
    return [key] if general is None else [key, general]


def language(locale: str) -> str:
    """The language of a locale: `pt` of `pt-BR`."""
    return locale.split("-", 1)[0]


def built_in_locale(locale: str) -> str | None:
    """The locale of the built-in text for a reader's locale; None for a language without one."""
    found = language(locale)
    return found if found in BUILT_IN_LOCALES else None


def locales_of(locale: str) -> list[str]:
    """The locale and its language, in the order of looking."""
    return list(dict.fromkeys([locale, language(locale)]))


@value
class Candidate:
    """One place to look for a text: an organization's own, or a built-in one.

    `writing`: the locale in which dates and times are written then, the reader's own if the language is his.
    """

    own: bool
    key: str
    locale: str
    writing: str = field(default="", compare=False)


def candidates(key: str, recipient: str | None, organization: str) -> list[Candidate]:
    """Say where to look for a text, in order.

    In the recipient's locale, then its language: own text of the key, own text of its general key, built-in; only for
    a language without a built-in text the same in the organization's locale, then English.
    """
    found: list[Candidate] = []
    for locale in dict.fromkeys([recipient or organization, organization, "en"]):
        found += [Candidate(True, name, place, locale) for place in locales_of(locale) for name in keys_of(key)]
        built_in = built_in_locale(locale)
        if built_in is not None and not key.startswith("own."):
            return [*found, Candidate(False, key, built_in, locale)]
    return found


def choose_locale(recipient: str | None, organization: str) -> str:
    """Choose the locale that a message is written in when there is no own text: the first that has built-in ones."""
    for locale in (recipient, organization):
        if locale is not None and built_in_locale(locale) is not None:
            return locale
    return "en"
