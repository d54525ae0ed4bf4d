"""Composing: the newest state of a record, in the recipient's language, for one channel."""

from datetime import timedelta
from typing import Any

from carillon.adapters.dynamodb.content_templates import ContentTemplates
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.rendering.formatting import Facts, build_values
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.domain.clients import Client, Staff
from carillon.domain.decide import whatsapp_template
from carillon.domain.messages import Message
from carillon.domain.settings import Settings
from carillon.domain.templates import choose_locale
from carillon.ports import Clock, Connections, Rendered, RenderingFailed, Snapshot


class TemplateComposer:
    """See the port `Composer`."""

    def __init__(self, table: Table, connections: Connections, clock: Clock) -> None:
        self._connections = connections
        self._clock = clock
        self._renderer = TemplateRenderer()
        self._contents = ContentTemplates(table, clock)

    def compose(self, message: Message, snapshot: Snapshot) -> Rendered:
        """Render for the message's channel, audience and recipient; raises RenderingFailed."""
        settings, record = snapshot.settings, snapshot.record
        if settings is None or record is None or message.channel is None:
            raise RenderingFailed("there is nothing to write about")
        client = snapshot.clients.get(message.client_id or record.appointment.client_id)
        member = snapshot.staff.get(message.staff_id) if message.staff_id is not None else None
        locale = _locale(message, client, member, settings)
        values = build_values(
            Facts(
                settings=settings,
                locale=locale,
                now=self._clock.now(),
                client=client,
                staff=member,
                staff_names=[snapshot.staff[i].name for i in record.appointment.staff_ids if i in snapshot.staff],
                appointment=record.appointment,
                reminder_key=message.occasion.reminder,
                lead_time=_lead_time(message, client, settings),
            )
        )
        key, audience = message.template, message.audience
        if message.channel != "whatsapp":
            return self._renderer.render(
                key=key, audience=audience, channel=message.channel, locale=locale, values=values
            )
        return self._approved(message, snapshot, settings, locale, values)

    def _approved(
        self, message: Message, snapshot: Snapshot, settings: Settings, locale: str, values: dict[str, Any]
    ) -> Rendered:
        if snapshot.organization is None:
            raise RenderingFailed("the organization is gone")
        known = self._connections.whatsapp_templates(snapshot.organization, settings)
        place = whatsapp_template(known, message.template, message.audience, locale)
        found = self._contents.find(*place) if place is not None else None
        if found is None:
            raise RenderingFailed(f"no approved WhatsApp template for {message.template} in {locale}")
        return self._renderer.render_approved(content=found.current, values=values, locale=locale)


def _locale(message: Message, client: Client | None, member: Staff | None, settings: Settings) -> str:
    own = (client.locale if client is not None else None) if message.audience == "client" else None
    if member is not None:
        own = member.locale
    return choose_locale(own, settings.locale)


def _lead_time(message: Message, client: Client | None, settings: Settings) -> timedelta | None:
    """Say how long before the appointment a reminder is meant, for reminders that say so absolutely."""
    reminders = [*((client.reminders or []) if client is not None else []), *settings.reminders]
    reminder = next((item for item in reminders if item.key == message.occasion.reminder), None)
    return reminder.when.offset if reminder is not None and reminder.when.before is not None else None
