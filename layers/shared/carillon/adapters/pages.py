"""The pages that people open from a message: small, in their language, without scripts or pictures."""

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

from carillon.domain.templates import BUILT_IN_LOCALES, choose_locale, language

# A path beside the code: importlib.resources would cost a tenth of a function's cold start.
_TEXTS = Path(__file__).parents[1] / "texts"
_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title><style>
body{{font:1.1rem/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;
max-width:34rem;margin:3rem auto;padding:0 1rem}}
h1{{font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}}
button{{font:inherit;padding:.7rem 1.2rem;border:2px solid #1f5fbf;border-radius:.4rem;cursor:pointer}}
.first button{{background:#1f5fbf;color:#fff}}
.second{{margin-top:2.5rem}}
.second button{{background:#fff;color:#1f5fbf}}
@media(prefers-color-scheme:dark){{body{{color:#eee;background:#161616}}
button{{border-color:#9cc2ff}}.second button{{background:#161616;color:#9cc2ff}}}}
</style></head><body><main><h1>{title}</h1>
{body}</main></body></html>
"""


def unsubscribe_page(locale: str, name: str, *, marketing_ended: bool, out: bool) -> str:
    """Show what a client gets, and the ways to change it; nothing changes before one is posted."""
    words = _words(locale)
    if out:
        body = [_text(words["out"], name, role="status"), _form("second", words, "back", "back", name)]
    elif marketing_ended:
        body = [_text(words["done"], name, role="status"), _form("second", words, "all", "all", name)]
    else:
        body = [_form("first", words, "ask", "marketing", name), _form("second", words, "all", "all", name)]
    return _page(locale, words["title"].format(name=name), body)


def unknown_page(locale: str = "en") -> str:
    """Say that a link leads nowhere."""
    words = _words(locale)
    return _page(locale, words["unknown_title"], [_text(words["unknown"])])


def failed_page(locale: str = "en") -> str:
    """Say that something went wrong and may work later."""
    words = _words(locale)
    return _page(locale, words["failed_title"], [_text(words["failed"])])


def payment_page(locale: str, *, paid: bool) -> str:
    """Tell a buyer who comes back from the page for paying that this one can be closed."""
    words = _of_language(language(choose_locale(locale, locale)), "payment")
    kind = "paid" if paid else "cancelled"
    return _page(locale, words[f"{kind}_title"], [_text(words[kind], role="status")])


def reader_locale(accepted: str) -> str:
    """Choose a language by what a browser says it accepts; English where none fits."""
    wanted = (part.partition(";")[0].strip() for part in accepted.split(","))
    return next((name for name in map(language, wanted) if name in BUILT_IN_LOCALES), "en")


def _form(kind: str, words: dict[str, str], text: str, choice: str, name: str) -> str:
    button = escape(words[f"{text}_button"])
    return (
        f'<form method="post" class="{kind}">{_text(words[text], name)}'
        f'<button name="choice" value="{choice}">{button}</button></form>'
    )


def _text(text: str, name: str = "", role: str = "") -> str:
    told = f' role="{role}"' if role else ""
    return f"<p{told}>{escape(text.format(name=name))}</p>"


def _page(locale: str, title: str, body: Sequence[str]) -> str:
    lang = language(choose_locale(locale, locale))
    return _PAGE.format(lang=escape(lang), title=escape(title), body="\n".join(body))


@lru_cache(maxsize=8)
def _of_language(lang: str, page: str = "unsubscribe") -> dict[str, str]:
    return dict(tomllib.loads(_TEXTS.joinpath(lang, "_pages.toml").read_text("utf-8"))[page])


def _words(locale: str) -> dict[str, str]:
    return _of_language(language(choose_locale(locale, locale)))
