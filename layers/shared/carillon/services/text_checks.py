"""What is wrong with a text, all at once: what its channel doesn't have, and every mistake of the template."""

from dataclasses import fields

from carillon.domain.channels import CHANNELS
from carillon.domain.codec import Json
from carillon.domain.errors import Fault, Invalid
from carillon.domain.own_texts import Place
from carillon.domain.templates import Mistake, OwnText, TemplateInvalid, forbidden_characters
from carillon.ports.texts import Texts

TEXT_FIELDS = tuple(field.name for field in fields(OwnText))
_PARTS = ("subject", "body", "html")


def require_sound(texts: Texts, place: Place, text: OwnText) -> None:
    """Refuse a text that may not be stored; raises Invalid with every fault, mistakes with their line and column."""
    faults, mistakes = _misplaced(place, text), _mistakes(texts, place, text)
    if not faults and not mistakes:
        return
    found = [*faults, *TemplateInvalid(mistakes).faults]
    raise Invalid(found, code="template_invalid" if mistakes else "invalid_input")


def faults_of(texts: Texts, place: Place, data: Json) -> list[Fault]:
    """Find the same in a document whose form may be wrong too; fields of another type are left to the form."""
    parts = {name: data[name] for name in _PARTS if isinstance(data.get(name), str)}
    try:
        require_sound(texts, place, OwnText(**{"body": "-", **parts}))
    except Invalid as error:
        return list(error.faults)
    return []


def _misplaced(place: Place, text: OwnText) -> list[Fault]:
    channel = place.channel
    has = {"subject": CHANNELS[channel].subject, "html": channel == "email", "whatsapp": channel == "whatsapp"}
    return [
        Fault(f"/{name}", "invalid_value", f"{channel} has no such part")
        for name, known in has.items()
        if not known and getattr(text, name) is not None
    ]


def _mistakes(texts: Texts, place: Place, text: OwnText) -> list[Mistake]:
    sources = {name: source for name in _PARTS if (source := getattr(text, name)) is not None}
    found = [mistake for name, source in sources.items() for mistake in forbidden_characters(name, source)]
    if not text.body.strip():
        found.append(Mistake("body", 1, 1, "must not be empty"))
    try:
        texts.check(channel=place.channel, text=text)
    except TemplateInvalid as error:
        found += error.mistakes
    return found
