"""The door of pages: what may change something, and what a page is sent with; and the pages themselves."""

import base64
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from carillon.adapters.pages import failed_page, reader_locale, unknown_page, unsubscribe_page
from carillon.domain.templates import BUILT_IN_LOCALES
from carillon.runtime.pages import PageCall, page_door

SAMPLE = json.loads((Path(__file__).parents[2] / "events" / "client_pages.json").read_text())


def answer(method: str = "GET", body: str | None = None, **changes: Any) -> tuple[dict[str, Any], list[PageCall]]:
    asked: list[PageCall] = []

    def show(call: PageCall) -> tuple[int, str]:
        asked.append(call)
        return 200, "<p>page</p>"

    event = json.loads(json.dumps(SAMPLE)) | {"rawPath": "/u/tok", "isBase64Encoded": False} | changes
    event["requestContext"]["http"]["method"] = method
    event.pop("body")
    if body is not None:
        event["body"] = body
    return page_door({"/u/": show}, lambda: "failed")(event, None), asked


def test_getting_a_page_changes_nothing() -> None:
    for method in ("GET", "HEAD"):
        shown, (call,) = answer(method, "choice=all")
        assert (shown["statusCode"], call) == (200, PageCall("tok", None, changes=False, languages=""))
    assert answer("HEAD")[0]["body"] == ""


@pytest.mark.parametrize(
    ("body", "choice"),
    [
        ("List-Unsubscribe=One-Click", None),
        ("choice=all", "all"),
        ("choice=all&choice=back", "back"),
        ("", None),
        (None, None),
        ('{"json": true}', None),
        ("choice=all&" * 2_000, None),
        ("&".join(f"a{n}=1" for n in range(50)), None),
        ("--boundary\r\nContent-Disposition: form-data\r\n\r\nx", None),
    ],
)
def test_a_post_takes_any_body(body: str | None, choice: str | None) -> None:
    shown, (call,) = answer("POST", body)
    assert (shown["statusCode"], call.changes, call.choice) == (200, True, choice)


def test_a_body_may_come_encoded() -> None:
    _, (call,) = answer("POST", base64.b64encode(b"choice=all").decode(), isBase64Encoded=True)
    assert call.choice == "all"
    for broken in ("%%%", base64.b64encode(b"\xff\xfe").decode()):
        _, (call,) = answer("POST", broken, isBase64Encoded=True)
        assert call.choice is None


def test_other_methods_are_refused() -> None:
    shown, asked = answer("DELETE")
    assert (shown["statusCode"], shown["headers"]["allow"], asked) == (405, "GET, HEAD, POST", [])


def test_another_path_has_no_token() -> None:
    _, (call,) = answer(rawPath="/x/tok")
    assert call.token == ""


def test_a_page_is_kept_by_nobody_and_tells_nobody_where_it_was() -> None:
    shown, _ = answer()
    headers = shown["headers"]
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "noindex" in headers["x-robots-tag"]
    assert "script" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert not {"set-cookie", "location"} & set(headers)


def test_a_page_that_breaks_says_so_without_details() -> None:
    def broken(_: PageCall) -> tuple[int, str]:
        raise LookupError("secret detail")

    shown = page_door({"/u/": broken}, lambda: "failed")(SAMPLE, None)
    assert (shown["statusCode"], shown["body"]) == (500, "failed")


class Seen(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def buttons(self) -> list[str | None]:
        return [attributes["value"] for tag, attributes in self.tags if tag == "button"]


@pytest.mark.parametrize("locale", [*BUILT_IN_LOCALES, "nl-BE"])
@pytest.mark.parametrize(
    ("ended", "out", "buttons"),
    [(False, False, ["marketing", "all"]), (True, False, ["all"]), (True, True, ["back"]), (False, True, ["back"])],
)
def test_a_page_offers_what_can_be_changed(locale: str, ended: bool, out: bool, buttons: list[str]) -> None:
    seen = Seen(unsubscribe_page(locale, "Salon Aurora", marketing_ended=ended, out=out))
    assert seen.buttons == buttons
    assert ("html", {"lang": locale[:2]}) in seen.tags
    assert all(attributes["method"] == "post" for tag, attributes in seen.tags if tag == "form")
    assert "Salon Aurora" in " ".join(seen.words)
    assert not any("{" in text for text in seen.words if "font" not in text)


def test_languages_differ() -> None:
    pages = {unsubscribe_page(name, "X", marketing_ended=False, out=False) for name in BUILT_IN_LOCALES}
    assert len(pages) == len(BUILT_IN_LOCALES)
    assert unsubscribe_page("de", "X", marketing_ended=False, out=False) in pages


def test_a_name_is_text() -> None:
    page = unsubscribe_page("en", '<script>alert("x")</script>{title}', marketing_ended=False, out=False)
    assert "<script" not in page
    assert "{title}" in "".join(Seen(page).words)


def test_pages_without_a_client_follow_the_browser() -> None:
    assert reader_locale("de-DE,pl;q=0.8,en;q=0.5") == "pl"
    assert reader_locale("") == "en"
    assert 'lang="pl"' in unknown_page("pl")
    assert 'lang="en"' in failed_page()
