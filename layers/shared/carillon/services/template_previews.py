"""Previews: a text, stored or still being written, filled with sample data or about a real record."""

from collections.abc import Collection
from dataclasses import replace
from typing import Annotated

from carillon.domain.constraints import Text, document
from carillon.domain.sms import Encoding, measure
from carillon.ports.delivery import RenderingFailed
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.texts import TemplateStore, Texts
from carillon.services.template_drafts import DraftInput, choose, wrong

RECORD = r"(?:appointments|orders|leads|tasks)/[A-Za-z0-9._:\-]{1,64}"


@document
class PreviewInput(DraftInput):
    """What to show, filled with sample data or about a record."""

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
        if wanted.record is not None and wanted.sample:
            raise wrong("/sample", "invalid_value", "must not be true beside a record")
        chosen = choose(org_id, wanted, given, self._store, self._texts)
        place = replace(chosen.place, locale=chosen.locale)
        about = self._about(org_id, wanted.record) if wanted.record is not None else None
        try:
            rendered = self._texts.preview(place, chosen.own, chosen.view.settings, about)
        except RenderingFailed as error:
            raise wrong("/body", "template_invalid", f"can't be rendered: {error}") from error
        count = measure(rendered.text) if place.channel == "sms" else None
        sms = SmsCount(encoding=count.encoding, parts=count.parts, characters=count.characters) if count else None
        return Preview(subject=rendered.subject, text=rendered.text, html=rendered.html, sms=sms)

    def _about(self, org_id: str, ref: str) -> Snapshot:
        record = self._reader.read([Want(org_id, record=ref)])[0].record
        if record is None or record.deleted:
            raise wrong("/record", "unknown_reference", "there is no such record")
        named = (record.client_id,) if record.client_id is not None else ()
        want = Want(org_id, record=ref, clients=named, staff=record.staff_ids)
        return self._reader.read([want])[0]
