"""Previews: a text, stored or still being written, filled with sample data or about a real record."""

from collections.abc import Collection
from dataclasses import replace
from typing import Annotated

from carillon.domain.catalog import Audience
from carillon.domain.channels import Channel
from carillon.domain.constraints import Id, Locale, Text, document
from carillon.domain.errors import Code, Fault, Invalid
from carillon.domain.own_texts import Place, offered
from carillon.domain.sms import Encoding, measure
from carillon.domain.templates import ContentTemplate, OwnText
from carillon.ports import Reader, RenderingFailed, Snapshot, Want
from carillon.ports_texts import TemplateStore, Texts
from carillon.services.enrolment import open_only
from carillon.services.text_checks import TEXT_FIELDS, require_sound
from carillon.services.texts_in_force import InForce, in_force, nearby

RECORD = r"appointments/[A-Za-z0-9._:\-]{1,64}"


@document
class PreviewInput:
    """What to show; a text that is left out is the one in force."""

    key: Id
    audience: Audience
    channel: Channel
    locale: Locale
    body: str | None = None
    subject: str | None = None
    html: str | None = None
    whatsapp: ContentTemplate | None = None
    record: Annotated[str, Text(max=80, min=1, pattern=RECORD)] | None = None
    sample: bool | None = None


@document
class SmsCount:
    """What an SMS takes."""

    encoding: Encoding
    parts: int
    characters: int


@document
class Preview:
    """A message as it would be read; `sms` on that channel only."""

    subject: str | None
    text: str
    html: str | None
    sms: SmsCount | None


class TemplatePreviews:
    """Shows texts; nothing is stored or sent."""

    def __init__(self, store: TemplateStore, texts: Texts, reader: Reader) -> None:
        self._store = store
        self._texts = texts
        self._reader = reader

    def preview(self, org_id: str, wanted: PreviewInput, given: Collection[str]) -> Preview:
        """Render the text in force with the `given` parts in place of its own; raises Invalid, Forbidden."""
        place = _place(wanted)
        view = self._store.read(org_id, nearby(place))
        open_only(view.organization)
        found = in_force(org_id, place, view, store=self._store, built_in=self._texts)
        drafted = [name for name in TEXT_FIELDS if name in given]
        shown = self._drafted(place, wanted, drafted, found) if drafted else found
        if shown is None:
            raise _wrong("/body", "missing_field", f"{place.key} has no text yet, so give one")
        about = self._about(org_id, wanted.record) if wanted.record is not None else None
        # A built-in text goes out as it is, with what belongs to its channel; an own one as its author wrote it.
        own = shown.text if drafted or shown.place is not None else None
        try:
            rendered = self._texts.preview(replace(place, locale=shown.locale), own, view.settings, about)
        except RenderingFailed as error:
            raise _wrong("/body", "template_invalid", f"can't be rendered: {error}") from error
        count = measure(rendered.text) if place.channel == "sms" else None
        sms = SmsCount(encoding=count.encoding, parts=count.parts, characters=count.characters) if count else None
        return Preview(subject=rendered.subject, text=rendered.text, html=rendered.html, sms=sms)

    def _drafted(
        self, place: Place, wanted: PreviewInput, drafted: Collection[str], found: InForce | None
    ) -> InForce | None:
        base = found.text if found is not None else OwnText(body="")
        parts = {name: getattr(wanted if name in drafted else base, name) for name in TEXT_FIELDS}
        if parts["body"] is None or (found is None and "body" not in drafted):
            return None
        text = OwnText(**parts)
        require_sound(self._texts, place, text)
        return InForce(text, place, place.locale)

    def _about(self, org_id: str, ref: str) -> Snapshot:
        record = self._reader.read([Want(org_id, record=ref)])[0].record
        if record is None or record.deleted:
            raise _wrong("/record", "unknown_reference", "there is no such record")
        visit = record.appointment
        want = Want(org_id, record=ref, clients=(visit.client_id,), staff=tuple(visit.staff_ids))
        return self._reader.read([want])[0]


def _place(wanted: PreviewInput) -> Place:
    if wanted.record is not None and wanted.sample:
        raise _wrong("/sample", "invalid_value", "must not be true beside a record")
    audiences = offered(wanted.key)
    if not audiences:
        raise _wrong("/key", "unknown_reference", "there is no such template")
    if wanted.audience not in audiences:
        raise _wrong("/audience", "unknown_reference", f"{wanted.key} is not for this audience")
    return Place(wanted.key, wanted.audience, wanted.channel, wanted.locale)


def _wrong(pointer: str, code: Code, message: str) -> Invalid:
    return Invalid([Fault(pointer, code, message)], code=code)
