"""Makes messages of texts and values, and checks texts before they are stored."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from carillon.adapters.rendering.checking import mistakes_in
from carillon.adapters.rendering.cleaning import links_in, one_line
from carillon.adapters.rendering.email import footer_links, page, with_footer
from carillon.adapters.rendering.engine import environment, run
from carillon.adapters.rendering.samples import empty_values, sample_values
from carillon.adapters.rendering.texts import BuiltIn, built_in, words
from carillon.domain.catalog import Audience
from carillon.domain.channels import CHANNELS, Channel
from carillon.domain.sms import fold_if_it_helps, is_gsm, normalise
from carillon.domain.templates import (
    MAX_BODY,
    MAX_HTML,
    MAX_SUBJECT,
    ContentTemplate,
    Mistake,
    OwnText,
    TemplateInvalid,
    built_in_locale,
    choose_locale,
)
from carillon.domain.variables import Leaf, find
from carillon.domain.whatsapp import filled
from carillon.ports.delivery import Rendered, RenderingFailed
from carillon.ports.texts import Submitted

_SPACES = re.compile(r"[ \t]{2,}")
_BLANK_LINES = re.compile(r"\n{3,}")
_SHORT: frozenset[Channel] = frozenset({"sms", "whatsapp", "push", "telegram", "viber"})
_NUMBER = re.compile(r"[1-9]\d?")


class TemplateRenderer:
    """Renders built-in and own texts in the sandbox."""

    def render(
        self,
        *,
        key: str,
        audience: Audience,
        channel: Channel,
        locale: str,
        values: Mapping[str, Any],
        own: OwnText | None = None,
    ) -> Rendered:
        """Make a message: of the own text if given, else of the built-in one of the locale's language.

        Raises RenderingFailed when there is no such text, when it fails on these values, or when nothing is left.
        """
        source = own or self.built_in(key=key, audience=audience, channel=channel, locale=locale)
        body = self._body(source.body, values, channel)
        if channel != "email":
            subject = self._subject(source.subject, values) if CHANNELS[channel].subject else None
            text = _shortened(body, CHANNELS[channel].max_length)
            content = own.whatsapp if own is not None else None
            if content is None:
                return Rendered(text=text, subject=subject)
            variables = fill(content.variables, values, locale)
            return Rendered(text=text, content_sid=content.content_sid, variables=variables)
        subject = self._subject(source.subject, values) or one_line(str(values["organization"]["name"]))
        links = footer_links(values, locale, body)
        own_html = own.html if own else None
        html = run(own_html, values, html=True) if own_html else page(subject, body, values, locale, links)
        return Rendered(text=with_footer(body, links), subject=subject, html=html)

    def plain(
        self,
        *,
        channel: Channel,
        text: str,
        subject: str | None,
        values: Mapping[str, Any],
        locale: str,
        domains: Sequence[str] = (),
    ) -> Rendered:
        """Make a message of words that a person typed: they are data, and no template; links among them are links."""
        body = _tidy(normalise(text) if channel == "sms" else text)
        if channel != "email":
            return Rendered(text=body, subject=one_line(subject) if subject and CHANNELS[channel].subject else None)
        title = one_line(subject or "") or one_line(str(values["organization"]["name"]))
        links = footer_links(values, locale, body)
        html = page(title, body, values, locale, links, typed=links_in(body, domains))
        return Rendered(text=with_footer(body, links), subject=title, html=html)

    def built_in(self, *, key: str, audience: Audience, channel: Channel, locale: str) -> BuiltIn:
        """Give the built-in text of a locale's language (English for one that has none)."""
        found = built_in(key, audience, channel, built_in_locale(locale) or "en")
        if found is None:
            raise RenderingFailed(f"there is no text {key} for {audience} on {channel}")
        return found

    def render_approved(self, *, content: Submitted, values: Mapping[str, Any], locale: str) -> Rendered:
        """Fill an approved WhatsApp template: its variables, and the text as the person will read it."""
        variables = fill(content.variables, values, locale)
        text = filled(content.text, content.variables, variables)
        return Rendered(text=text, content_sid=content.content_sid, variables=variables)

    def check(self, *, channel: Channel, text: OwnText) -> None:
        """Check a text as it is to be stored; raises TemplateInvalid with every mistake at its line and column."""
        mistakes = [*_lengths(text)]
        if not mistakes:
            parts = (("subject", text.subject, False), ("body", text.body, False), ("html", text.html, True))
            for part, source, html in parts:
                if source is not None:
                    mistakes += mistakes_in(environment(html=html), part, source) or _trial(part, source, html=html)
        mistakes += _content(text.whatsapp)
        if CHANNELS[channel].subject and text.subject is not None and "\n" in text.subject.strip():
            mistakes.append(Mistake("subject", 1, 1, "must be one line"))
        if mistakes:
            raise TemplateInvalid(mistakes)

    def _body(self, source: str, values: Mapping[str, Any], channel: Channel) -> str:
        text = run(source, values, html=False)
        if channel in _SHORT:
            text = _SPACES.sub(" ", text)
        text = _BLANK_LINES.sub("\n\n", _tidy(text))
        if channel == "sms":
            # The author's letters decide the encoding: a name with `ł` must not cut a plain text's part in half.
            text = fold_if_it_helps(text) if is_gsm(normalise(source)) else normalise(text)
        if not text:
            raise RenderingFailed("the text is empty")
        return text

    def _subject(self, source: str | None, values: Mapping[str, Any]) -> str | None:
        return one_line(run(source, values, html=False))[:MAX_SUBJECT] if source else None


def _tidy(text: str) -> str:
    """Give a text the same ends of lines everywhere, and nothing but words at both ends."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def fill(mapping: Mapping[str, str], values: Mapping[str, Any], locale: str) -> dict[str, str]:
    """Fill an approved template's numbers; Twilio refuses an empty value (21656), so each has a word instead."""
    fallback = words(built_in_locale(choose_locale(locale, locale)) or "en")
    texts = {}
    for number, path in mapping.items():
        found: Any = values
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
        text = one_line("" if found is None else str(found))
        texts[number] = text or fallback.get(path, "-")
    return texts


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3].rstrip() + "..."


def _lengths(text: OwnText) -> list[Mistake]:
    limits = (("subject", text.subject, MAX_SUBJECT), ("body", text.body, MAX_BODY), ("html", text.html, MAX_HTML))
    return [
        Mistake(part, 1, 1, f"must have at most {longest} characters, has {len(source)}")
        for part, source, longest in limits
        if source is not None and len(source) > longest
    ]


def _trial(part: str, source: str, *, html: bool) -> list[Mistake]:
    """Render once with everything there and once with all optional values absent."""
    for values in (sample_values(), empty_values()):
        try:
            run(source, values, html=html)
        except RenderingFailed as error:
            return [Mistake(part, 1, 1, f"can't be rendered: {error}")]
    return []


def _content(template: ContentTemplate | None) -> list[Mistake]:
    if template is None:
        return []
    found = []
    for number, path in template.variables.items():
        if _NUMBER.fullmatch(number) is None:
            found.append(Mistake("whatsapp", 1, 1, f"{number} is not the number of a variable"))
        if not isinstance(find(tuple(path.split("."))), Leaf):
            found.append(Mistake("whatsapp", 1, 1, f"unknown variable {path}"))
    return found
