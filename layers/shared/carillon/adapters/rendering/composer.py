"""Writes a message from the newest state of what it is about: finds its text, formats its values, renders."""

from dataclasses import dataclass
from datetime import timedelta

from carillon.adapters.rendering.formatting import Facts, build_values
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.domain.clients import Client, Staff
from carillon.domain.messages import Message
from carillon.domain.settings import Settings
from carillon.domain.templates import OwnText, candidates, choose_locale, keys_of, language, locales_of
from carillon.ports import Clock, Rendered, RenderingFailed, Snapshot
from carillon.ports_texts import ContentStore, OwnTexts, Place, Submitted


@dataclass(frozen=True, slots=True)
class TextComposer:
    """See the port `Composer`. `content` is needed for WhatsApp; without `own` every text is a built-in one."""

    renderer: TemplateRenderer
    clock: Clock
    content: ContentStore | None = None
    own: OwnTexts | None = None

    def compose(self, message: Message, snapshot: Snapshot) -> Rendered:
        """Render for the message's channel, audience and recipient; raises RenderingFailed."""
        settings, channel = snapshot.settings, message.channel
        if settings is None or snapshot.organization is None or channel is None:
            raise RenderingFailed("the organization or the channel is missing")
        client, staff = _recipients(message, snapshot)
        reader = (client.locale if message.client_id and client else staff.locale if staff else None) or settings.locale
        text, locale = self._own_text(message, snapshot.organization.id, reader, settings)
        values = build_values(self._facts(message, snapshot, settings, locale))
        if channel == "whatsapp":
            content = self._approved(message, locale)
            return self.renderer.render_approved(content=content, values=values, locale=locale)
        return self.renderer.render(
            key=message.template, audience=message.audience, channel=channel, locale=locale, values=values, own=text
        )

    def _own_text(self, message: Message, org_id: str, reader: str, settings: Settings) -> tuple[OwnText | None, str]:
        built_in = choose_locale(reader, settings.locale)
        if self.own is None or message.channel is None or message.channel == "whatsapp":
            return None, built_in
        looked = [found for found in candidates(message.template, reader, settings.locale) if found.own]
        places = [Place(found.key, message.audience, message.channel, found.locale) for found in looked]
        found = self.own.find(org_id, places)
        if found is None:
            return None, built_in
        place, text = found
        # Dates follow the reader's region, as long as the text is in the reader's language.
        near = next((name for name in (reader, settings.locale) if language(name) == language(place.locale)), None)
        return text, near or place.locale

    def _facts(self, message: Message, snapshot: Snapshot, settings: Settings, locale: str) -> Facts:
        client, staff = _recipients(message, snapshot)
        record = snapshot.record
        appointment = record.appointment if record is not None else None
        known = (snapshot.staff.get(staff_id) for staff_id in (appointment.staff_ids if appointment else ()))
        key = message.occasion.reminder
        return Facts(
            settings=settings,
            locale=locale,
            now=self.clock.now(),
            client=client,
            staff=staff,
            staff_names=[member.name for member in known if member is not None],
            appointment=appointment,
            reminder_key=key,
            lead_time=_lead_time(key, client, settings) if key else None,
        )

    def _approved(self, message: Message, locale: str) -> Submitted:
        for key in keys_of(message.template):
            for name in locales_of(locale):
                found = self.content.find(key, message.audience, name) if self.content else None
                if found is not None:
                    return found.current
        raise RenderingFailed(f"no approved WhatsApp template for {message.template} in {locale}")


def _recipients(message: Message, snapshot: Snapshot) -> tuple[Client | None, Staff | None]:
    """Find the client concerned, and the member of staff who reads the message (None for a bare address)."""
    record = snapshot.record
    client_id = message.client_id or (record.appointment.client_id if record is not None else None)
    client = snapshot.clients.get(client_id) if client_id else None
    return client, snapshot.staff.get(message.staff_id) if message.staff_id else None


def _lead_time(key: str, client: Client | None, settings: Settings) -> timedelta | None:
    reminders = (
        client.reminders if client is not None and client.reminders is not None else None
    ) or settings.reminders
    when = next((reminder.when for reminder in reminders if reminder.key == key), None)
    if when is None or not when.ahead_of_start:
        return None
    return timedelta(days=when.days_before) if when.days_before is not None else when.offset
