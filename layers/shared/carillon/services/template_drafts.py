"""Texts that are being tried: the one in force, or a draft over it."""

from collections.abc import Collection

from carillon.domain.catalog import Audience
from carillon.domain.channels import Channel
from carillon.domain.constraints import Id, Locale, document
from carillon.domain.errors import Code, Fault, Invalid
from carillon.domain.own_texts import Place, offered
from carillon.domain.templates import ContentTemplate, OwnText
from carillon.domain.values import value
from carillon.ports.texts import TemplateStore, TemplateView, Texts
from carillon.services.enrolment import open_only
from carillon.services.text_checks import TEXT_FIELDS, require_sound
from carillon.services.texts_in_force import InForce, in_force, nearby


@document
class DraftInput:
    """Which text; a part that is left out is that of the text in force."""

    key: Id
    audience: Audience
    channel: Channel
    locale: Locale
    body: str | None = None
    subject: str | None = None
    html: str | None = None
    whatsapp: ContentTemplate | None = None


@value
class Chosen:
    """The text to try: an own one or a draft, or None for the built-in one; `locale`: how its values are written."""

    place: Place
    own: OwnText | None
    locale: str
    view: TemplateView


def choose(org_id: str, wanted: DraftInput, given: Collection[str], store: TemplateStore, texts: Texts) -> Chosen:
    """Find the text in force, with the `given` parts in place of its own; raises Invalid, Forbidden."""
    place = _place(wanted)
    view = store.read(org_id, nearby(place))
    open_only(view.organization)
    found = in_force(org_id, place, view, store=store, built_in=texts)
    drafted = [name for name in TEXT_FIELDS if name in given]
    if drafted:
        return Chosen(place, _drafted(place, wanted, drafted, found, texts), place.locale, view)
    if found is None:
        raise _missing(place)
    # A built-in text goes out as it is, with what belongs to its channel; an own one as its author wrote it.
    return Chosen(place, found.text if found.place is not None else None, found.locale, view)


def wrong(pointer: str, code: Code, message: str) -> Invalid:
    """Make the refusal of one field."""
    whole: Code = code if code == "template_invalid" else "invalid_input"
    return Invalid([Fault(pointer, code, message)], code=whole)


def _drafted(
    place: Place, wanted: DraftInput, drafted: Collection[str], found: InForce | None, texts: Texts
) -> OwnText:
    parts = {name: getattr(wanted, name) for name in drafted}
    if found is not None:
        parts = {name: getattr(found.text, name) for name in TEXT_FIELDS} | parts
    if parts.get("body") is None:
        raise _missing(place)
    text = OwnText(**parts)
    require_sound(texts, place, text)
    return text


def _missing(place: Place) -> Invalid:
    return wrong("/body", "missing_field", f"{place.key} has no text yet, so give one")


def _place(wanted: DraftInput) -> Place:
    audiences = offered(wanted.key)
    if not audiences:
        raise wrong("/key", "unknown_reference", "there is no such template")
    if wanted.audience not in audiences:
        raise wrong("/audience", "unknown_reference", f"{wanted.key} is not for this audience")
    return Place(wanted.key, wanted.audience, wanted.channel, wanted.locale)
