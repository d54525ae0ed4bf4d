"""The e-mail around a text: one simple, responsive page, and the footer with the links to preferences."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from carillon.adapters.rendering.engine import run
from carillon.adapters.rendering.texts import TEXTS, words
from carillon.domain.templates import choose_locale, language
from carillon.domain.variables import LINKS

Json = dict[str, Any]
_LABELLED = re.compile(r"(?P<label>[^:]{1,80}?)\s*:\s+(?P<url>\S+)")


def footer_links(values: Mapping[str, Any], locale: str, body: str) -> list[Json]:
    """Give the links to preferences and unsubscribing that the recipient has and the text doesn't show."""
    labels = words(language(choose_locale(locale, locale)))
    known = values.get("links") or {}
    pairs = [(labels[name], known.get(name)) for name in ("preferences", "unsubscribe")]
    return [{"text": label, "url": url} for label, url in pairs if url and url not in body]


def with_footer(body: str, links: list[Json]) -> str:
    """Add the links to the text part."""
    return "\n".join([body, "", *(f"{entry['text']}: {entry['url']}" for entry in links)]) if links else body


def page(
    subject: str,
    body: str,
    values: Mapping[str, Any],
    locale: str,
    links: list[Json],
    typed: Sequence[str] = (),
) -> str:
    """Make the HTML part of a text: the same words, with links only where the record itself has them.

    `typed`: further addresses that are links, because whoever wrote the text meant them to be.
    """
    organization = values.get("organization") or {}
    urls = [url for path in LINKS if (url := _value(values, path))]
    # The longest first: one address may begin like another.
    linked = {*urls, *typed}
    longest_first = sorted(linked, key=len, reverse=True)
    known_urls = re.compile(f"({'|'.join(map(re.escape, longest_first))})") if linked else None
    known = {
        "lang": locale,
        "subject": subject,
        "name": organization.get("name"),
        "blocks": [_block(text, urls, linked, known_urls) for text in body.split("\n\n") if text.strip()],
        "footer": " · ".join(organization[part] for part in ("name", "address", "phone") if organization.get(part)),
        "website": organization.get("website"),
        "links": links,
    }
    return run(_layout(), known, html=True)


@lru_cache(maxsize=1)
def _layout() -> str:
    return TEXTS.joinpath("layout", "email.html.jinja").read_text("utf-8")


def _value(values: Mapping[str, Any], path: tuple[str, ...]) -> str | None:
    found: Any = values
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) and found.startswith(("https://", "http://")) else None


def _block(text: str, urls: list[str], linked: set[str], known_urls: re.Pattern[str] | None) -> Json:
    labelled = _LABELLED.fullmatch(text.strip())
    if labelled and labelled["url"] in urls:
        return {"button": labelled["label"], "url": labelled["url"]}
    return {"lines": [{"pieces": _pieces(line, linked, known_urls)} for line in text.strip().split("\n")]}


def _pieces(line: str, urls: set[str], known_urls: re.Pattern[str] | None) -> list[Json]:
    pieces = known_urls.split(line) if known_urls and "://" in line else [line]
    return [{"text": piece, "url": piece} if piece in urls else {"text": piece} for piece in pieces if piece]
