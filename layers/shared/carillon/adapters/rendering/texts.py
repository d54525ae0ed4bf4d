"""The built-in texts: one TOML file per locale and template key, composed with the locale's parts and layouts.

A file states, per audience, what is special about its message (`title`, `intro`, `short`, `approved`); the layout that
it names in `_parts.toml` makes the text of each channel from that. `staff` stands for every audience but the client,
`chat` for WhatsApp, Telegram and Viber; a table of its own (`[client.sms]`) overrides what the layout says. What comes
out is an ordinary template, the one that an organization sees and may edit.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from string import Template
from typing import Any

from carillon.domain.catalog import ROWS, Audience
from carillon.domain.channels import ALL, CHANNELS, Channel
from carillon.domain.sms import fold
from carillon.domain.templates import BUILT_IN_LOCALES, built_in_locale, keys_of
from carillon.domain.values import value

# A path beside the code: importlib.resources would cost a tenth of a function's cold start.
TEXTS = Path(__file__).parents[2] / "texts"
_CHAT: frozenset[Channel] = frozenset({"whatsapp", "telegram", "viber"})
_PLACEHOLDER = re.compile(r"( ?)\{\{ ([a-z_.]+) \}\}")
_PART = re.compile(r"\$\{")
_MAX_NESTING = 6

Table = Mapping[str, Any]


@value
class BuiltIn:
    """A built-in text as a template; `approved` is what WhatsApp approves, with plain placeholders only."""

    key: str
    subject: str | None
    body: str
    approved: str | None = None


@lru_cache(maxsize=512)
def _file(locale: str, name: str) -> Table | None:
    path = TEXTS.joinpath(locale, f"{name}.toml")
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else None


def parts(locale: str) -> Table:
    """Give a locale's parts, words, labels and plurals; of the empty locale what all languages share."""
    found = _file(locale, "_parts" if locale else "_common")
    if found is None:
        raise ValueError(f"there are no built-in texts in {locale}")
    return found


def words(locale: str) -> dict[str, str]:
    """Words that stand in for an absent value (`client.first_name`) or label something, in a built-in locale."""
    return dict(parts(locale)["words"])


@lru_cache(maxsize=1024)
def built_in(key: str, audience: Audience, channel: Channel, locale: str) -> BuiltIn | None:
    """Find the built-in text of a row, audience and channel in one of the built-in locales; None if there is none."""
    for name in keys_of(key):
        if not _known(name):
            continue
        content = _file(locale, name)
        table = content and (content.get(audience) or (audience != "client" and content.get("staff")))
        if table:
            return _compose(name, table, channel, locale)
    return None


def _known(key: str) -> bool:
    # Own keys come from outside: only names of the catalog become file names.
    return key in ROWS


def _compose(key: str, table: Table, channel: Channel, locale: str) -> BuiltIn:
    common, own = parts(""), parts(locale)
    texts = {name: value for name, value in table.items() if isinstance(value, str)}
    layout = common["layout"][texts["layout"]]
    chat = channel in _CHAT
    special = {**(table.get("chat", {}) if chat else {}), **table.get(channel, {})}
    known = {**common["parts"], **own["parts"], **texts}
    if "approved" in texts:
        known["approved_chat"] = _for_chat(texts["approved"], own["words"])
    made = {**layout["chat" if chat else channel], **special}
    subject = _fill(made["subject"], known) if CHANNELS[channel].subject else None
    body = _fill(made["body"], known).strip()
    if channel == "sms":
        # Letters that GSM-7 lacks would cut an SMS from 160 to 70 characters: built-in ones do without the marks, as
        # is usual practice. An organization that wants them writes its own text.
        body = fold(body)
    approved = _fill(texts["approved"], known) if channel == "whatsapp" and "approved" in texts else None
    return BuiltIn(key, subject, body, approved)


def _fill(text: str, known: Table) -> str:
    for _ in range(_MAX_NESTING):
        if not _PART.search(text):
            return text
        text = Template(text).substitute(known)
    raise ValueError("parts refer to each other in a circle")


def _for_chat(approved: str, fallback: Table) -> str:
    """Make free text of an approved one: an absent name is left out or replaced by its word."""

    def replace(match: re.Match[str]) -> str:
        space, name = match.groups()
        if name == "client.first_name":
            return f"{{% if {name} %}}{space}{{{{ {name} }}}}{{% endif %}}"
        if name in fallback:
            return f'{space}{{{{ {name}|default("{fallback[name]}", true) }}}}'
        return match.group()

    return _PLACEHOLDER.sub(replace, approved)


def answer(key: str, channel: str, locale: str) -> str:
    """Give the template that confirms an opt-out or a return, in a locale's language or English."""
    names = {"sms": "SMS", "whatsapp": "WhatsApp", "telegram": "Telegram", "viber": "Viber"}
    texts = parts(built_in_locale(locale) or "en")["answers"]
    text = _fill(texts[key.partition(".")[2]], {"channel": names.get(channel, channel)})
    return fold(text) if channel == "sms" else text


def notice(kind: str, locale: str) -> tuple[str, str]:
    """Give subject and body of a notice as templates, in a locale's language or English."""
    text = parts(built_in_locale(locale) or "en")["notices"][kind]
    return text["subject"], text["body"]


def labels(locale: str, group: str) -> dict[str, str]:
    """Give what a locale's language calls the entries of a group of the catalog (`channels`)."""
    return dict((_file(built_in_locale(locale) or "en", "_catalog") or {}).get(group, {}))


def all_built_in() -> Iterator[tuple[str, Audience, Channel, str, BuiltIn | None]]:
    """Walk every row, offered audience, channel and built-in locale, with its text or None."""
    for row in ROWS.values():
        for audience in row.offers:
            for channel in ALL:
                for locale in BUILT_IN_LOCALES:
                    yield row.key, audience, channel, locale, built_in(row.key, audience, channel, locale)
