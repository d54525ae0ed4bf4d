"""Composing: the newest state of a record, in the recipient's language, for one channel."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from carillon.adapters.dynamodb.content_templates import ContentTemplates
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.dynamodb.templates import DynamoTrialTexts, OwnTextLookup
from carillon.adapters.recap_facts import recap_facts
from carillon.adapters.rendering.about import about
from carillon.adapters.rendering.formatting import Facts, Visit, build_values, day_times
from carillon.adapters.rendering.notices import write_notice
from carillon.adapters.rendering.previewing import sample
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.adapters.rendering.sandbox import Walked
from carillon.adapters.rendering.texts import answer
from carillon.adapters.written import StoredWords
from carillon.domain.catalog import row_for
from carillon.domain.clients import Client, Staff
from carillon.domain.connections import templates_owner
from carillon.domain.decide import purpose_of, whatsapp_template
from carillon.domain.messages import Message
from carillon.domain.notices import Notice
from carillon.domain.organizations import Organization
from carillon.domain.own_texts import OWN_KEY, Place
from carillon.domain.posted import POSTED, slot_of
from carillon.domain.recipients import client_recipient, staff_recipient
from carillon.domain.records import StoredRecord
from carillon.domain.same_day import mark_of
from carillon.domain.settings import Settings
from carillon.domain.templates import OwnText, candidates, choose_locale
from carillon.domain.window import MARGIN, is_open
from carillon.ports.delivery import Connections, Links, Rendered, RenderingFailed
from carillon.ports.reading import Snapshot
from carillon.ports.system import Clock

_TO_NOBODY: frozenset[str | None] = frozenset({"trial", "answer", "notice"})
"""Kinds of messages whose recipient's conversation is not looked at."""
Made = tuple[OwnText | None, str, dict[str, Any]]
"""The own text (None: the built-in one), the locale it is written in, and the values."""


class TemplateComposer:
    """See the port `Composer`."""

    def __init__(self, table: Table, connections: Connections, clock: Clock, links: Links | None = None) -> None:
        self._connections = connections
        self._clock = clock
        self._links = links
        self._renderer = TemplateRenderer()
        self._contents = ContentTemplates(table, clock)
        self._own = OwnTextLookup(table)
        self._trials = DynamoTrialTexts(table)
        self._written = StoredWords(table)

    def compose(self, message: Message, snapshot: Snapshot) -> Rendered:
        """Render for the message's channel, audience and recipient; raises RenderingFailed.

        Says which other appointments of the day the text lists.
        """
        settings = snapshot.settings
        if settings is None or message.channel is None or snapshot.organization is None:
            raise RenderingFailed("there is nothing to write about")
        if message.occasion.kind == "manual":
            # As it was shown to whoever sent it.
            return self._written.compose(snapshot.organization.id, message)
        if message.occasion.kind == "answer":
            own, locale, values = self._of_answer(message, snapshot, settings)
        elif message.occasion.kind == "notice":
            about, now = Notice.read(message.occasion.id), self._clock.now()
            own, locale, values = write_notice(about, snapshot.organization, settings, now)
        elif message.occasion.kind == "recap":
            own, locale, values = self._of_recap(message, snapshot, settings)
        elif message.occasion.kind == "trial":
            own, locale, values = self._of_trial(message, snapshot.organization.id, settings)
        else:
            own, locale, values = self._of_record(message, snapshot, settings)
        approved = message.channel == "whatsapp" and own is None and not self._free(message, snapshot)
        fixed = approved or (own is not None and own.whatsapp is not None)
        times = day_times(values, locale, settings.country) if fixed else None
        if approved:
            rendered = self._approved(message, snapshot.organization, settings, locale, values)
        else:
            rendered = self._renderer.render(
                key=_keys(message, snapshot)[-1],
                audience=message.audience,
                channel=message.channel,
                locale=locale,
                values=values,
                own=own,
            )
        return replace(rendered, listed=_listed(rendered, values, times, snapshot, settings))

    def draft(self, message: Message, snapshot: Snapshot, settings: Settings) -> Rendered:
        """Render a template for a person to look at, about a record or about none; raises RenderingFailed.

        On WhatsApp the approved text, unless free text may go or nothing was approved.
        """
        if message.channel is None:
            raise RenderingFailed("there is no channel to write for")
        own, locale, values = self._of_record(message, snapshot, settings)
        organization = snapshot.organization
        if message.channel == "whatsapp" and own is None and organization is not None:
            known = self._connections.whatsapp_templates(organization, settings)
            approved = whatsapp_template(known, message.template, message.audience, locale)
            if approved is not None and not self._free(message, snapshot):
                return self._approved(message, organization, settings, locale, values)
        return self._renderer.render(
            key=message.template,
            audience=message.audience,
            channel=message.channel,
            locale=locale,
            values=values,
            own=own,
        )

    def plain(
        self, message: Message, snapshot: Snapshot, settings: Settings, text: str, subject: str | None
    ) -> Rendered:
        """Put words that somebody typed into the form of their channel, with what belongs around them."""
        if message.channel is None:
            raise RenderingFailed("there is no channel to write for")
        _, locale, values = self._of_record(message, snapshot, settings)
        domains = settings.link_domains
        return self._renderer.plain(
            channel=message.channel, text=text, subject=subject, values=values, locale=locale, domains=domains
        )

    def _of_record(self, message: Message, snapshot: Snapshot, settings: Settings) -> Made:
        record = snapshot.record
        posted = snapshot.posted
        if record is None and (message.occasion.record or (message.occasion.kind == "posted" and posted is None)):
            raise RenderingFailed("there is nothing to write about")
        whose = record.client_id if record is not None else None
        client = snapshot.clients.get(message.client_id or whose or "")
        said: dict[str, Any] = {"client": client}
        if record is not None:
            said = about(record, client, snapshot.staff)
        said |= {"slot": slot_of(posted), "fields": posted.fields} if posted is not None else {}
        client = said["client"]
        member = snapshot.staff.get(message.staff_id) if message.staff_id is not None else None
        own, locale = self._text(message, snapshot, settings, _locale(message, client, member))
        facts = Facts(
            settings=settings,
            locale=locale,
            now=self._clock.now(),
            staff=member,
            reminder_key=message.occasion.reminder,
            lead_time=_lead_time(message, client, settings),
            unsubscribe_url=self._unsubscribing(message, snapshot),
            others=[Visit(appointment=each.appointment) for each in _later(snapshot)],
            **said,
        )
        return own, locale, build_values(facts)

    def _of_recap(self, message: Message, snapshot: Snapshot, settings: Settings) -> Made:
        member = snapshot.staff.get(message.staff_id or "")
        own, locale = self._text(message, snapshot, settings, _locale(message, None, member))
        return own, locale, build_values(recap_facts(message, snapshot, settings, locale, self._clock.now()))

    def _of_answer(self, message: Message, snapshot: Snapshot, settings: Settings) -> Made:
        client, member = snapshot.clients.get(message.client_id or ""), snapshot.staff.get(message.staff_id or "")
        locale = choose_locale(_locale(message, client, member), settings.locale)
        text = answer(message.template, str(message.channel), locale)
        return OwnText(body=text), locale, build_values(Facts(settings=settings, locale=locale, now=self._clock.now()))

    def _free(self, message: Message, snapshot: Snapshot) -> bool:
        """Whether free text may be written, as the re-check has found a moment ago, with its margin."""
        organization, settings = snapshot.organization, snapshot.settings
        client, member = snapshot.clients.get(message.client_id or ""), snapshot.staff.get(message.staff_id or "")
        closed = message.occasion.kind in _TO_NOBODY or message.channel != "whatsapp"
        if closed or organization is None or settings is None or (client or member) is None:
            return False
        if member is not None:
            recipient = staff_recipient(member, message.audience, settings)
        elif client is not None:
            recipient = client_recipient(client, settings)
        return is_open(recipient, organization, settings, self._clock.now(), margin=MARGIN / 2)

    def _unsubscribing(self, message: Message, snapshot: Snapshot) -> str | None:
        """Give the way out of marketing mail, which no other message has."""
        client_id, organization = message.client_id, snapshot.organization
        marketing = message.channel == "email" and purpose_of(message.template) == "marketing"
        if self._links is None or not marketing or client_id is None or organization is None:
            return None
        return self._links.unsubscribe(organization.id, client_id)

    def _of_trial(self, message: Message, org_id: str, settings: Settings) -> Made:
        trial = self._trials.find(org_id, message.key)
        if trial is None or message.channel is None:
            raise RenderingFailed("the text of the test is gone")
        place = Place(message.template, message.audience, message.channel, trial.locale)
        text = trial.text
        if message.channel == "whatsapp" and text is not None and text.whatsapp is None:
            raise RenderingFailed("free text opens no conversation")
        return text, trial.locale, sample(place, settings)

    def _text(
        self, message: Message, snapshot: Snapshot, settings: Settings, reader: str | None
    ) -> tuple[OwnText | None, str]:
        """Choose the own text (None: the built-in one) and the locale that the message is written in."""
        own = snapshot.own_texts
        if own.marks and snapshot.organization is not None:
            free = self._free(message, snapshot)
            for place, writing in _own_places(message, snapshot, settings, reader):
                # WhatsApp takes free text in replies only: what opens a conversation was approved beforehand.
                usable = place.channel != "whatsapp" or free or own.has_content(place)
                text = self._own.find(snapshot.organization.id, place, own) if usable else None
                if text is not None:
                    return replace(text, whatsapp=None) if free else text, writing
        return None, choose_locale(reader, settings.locale)

    def _approved(
        self, message: Message, organization: Organization, settings: Settings, locale: str, values: dict[str, Any]
    ) -> Rendered:
        known = self._connections.whatsapp_templates(organization, settings)
        place = whatsapp_template(known, message.template, message.audience, locale)
        owner = templates_owner(organization, settings)
        found = self._contents.find(*place, owner=owner) if place is not None else None
        if found is None:
            raise RenderingFailed(f"no approved WhatsApp template for {message.template} in {locale}")
        return self._renderer.render_approved(content=found.current, values=values, locale=locale)


def _later(snapshot: Snapshot) -> Sequence[StoredRecord]:
    """Give the appointments of the day that a reminder stands for beside its own."""
    return snapshot.same_day.later if snapshot.same_day is not None else ()


def _listed(
    rendered: Rendered, values: dict[str, Any], times: str | None, snapshot: Snapshot, settings: Settings
) -> tuple[str, ...]:
    """Name the other appointments of the day that a text tells of: all of them, or none.

    An approved WhatsApp template has no list; it tells of them where it gives the time.
    """
    if rendered.content_sid is not None:
        told = times is not None and times in rendered.variables.values()
    else:
        others = values.get("reminder", {}).get("others")
        told = isinstance(others, Walked) and others.walked
    return tuple(mark_of(each, settings.time_zone) for each in _later(snapshot)) if told else ()


def _own_places(
    message: Message, snapshot: Snapshot, settings: Settings, reader: str | None
) -> Iterator[tuple[Place, str]]:
    """Walk where an own text may stand, in the order of looking, each with the locale it is written in."""
    if message.channel is None:
        return
    for key in _keys(message, snapshot):
        for candidate in candidates(key, reader, settings.locale):
            if candidate.own:
                yield Place(candidate.key, message.audience, message.channel, candidate.locale), candidate.writing


def _keys(message: Message, snapshot: Snapshot) -> list[str]:
    """Give the message's template key; behind an own one the event's, for when its text was given up since."""
    event, record = message.occasion.event, snapshot.record
    if message.occasion.kind == "posted" and snapshot.posted is not None and snapshot.posted.type in POSTED:
        return list(dict.fromkeys([message.template, snapshot.posted.type]))
    if not message.template.startswith(OWN_KEY) or event is None or record is None:
        return [message.template]
    row = row_for(event, source=record.source, actor="system")
    return [message.template] if row is None else [message.template, row.key]


def _locale(message: Message, client: Client | None, member: Staff | None) -> str | None:
    """Give the recipient's own locale, if one is known."""
    if member is not None:
        return member.locale
    return client.locale if client is not None and message.audience == "client" else None


def _lead_time(message: Message, client: Client | None, settings: Settings) -> timedelta | None:
    """Say how long before the appointment a reminder is meant, for reminders that say so absolutely."""
    own = client.reminders or [] if client is not None and message.audience == "client" else []
    reminders = [*own, *settings.reminders]
    reminder = next((item for item in reminders if item.key == message.occasion.reminder), None)
    return reminder.when.offset if reminder is not None and reminder.when.before is not None else None
