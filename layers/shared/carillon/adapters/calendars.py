"""Calendar files (iCalendar, RFC 5545): an appointment as an entry that programs add, move and take out by themselves.

Instants are in UTC, so no time zone is described; the library escapes texts and folds lines.
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC
from typing import Any

from carillon.adapters.rendering.cleaning import link, one_line
from carillon.domain.clients import Client
from carillon.domain.invitations import entry_of, method_of
from carillon.domain.mail_from import MailFrom
from carillon.domain.messages import Message
from carillon.domain.records import StoredRecord
from carillon.domain.settings import Settings
from carillon.ports.delivery import Attachment
from carillon.ports.reading import Snapshot

FILE_NAME = "invite.ics"
"""The name under which mail programs look for an invitation."""


class CalendarFiles:
    """See the port `Invitations`. `deployment` is the address that mail of organizations without their own is from."""

    def __init__(self, signing_key: Callable[[], str], deployment: str) -> None:
        self._signing_key = signing_key
        self._deployment = deployment

    def of(self, org_id: str, message: Message, snapshot: Snapshot, sender: MailFrom, to: str) -> Attachment | None:
        """Make the file; None for a message without one."""
        record, settings = snapshot.record, snapshot.settings
        method = method_of(message, record) if record is not None else None
        if record is None or settings is None or method is None:
            return None
        # Only messages with a calendar file pay for the library.
        from icalendar import Calendar, Event  # noqa: PLC0415

        event = Event()
        event.add("uid", f"{self._uid(org_id, *entry_of(message, record))}@carillon")
        event.add("sequence", record.version)
        event.add("dtstamp", message.created_at.astimezone(UTC))
        event.add("status", "CONFIRMED" if method == "REQUEST" else "CANCELLED")
        client = snapshot.clients.get(message.client_id or record.appointment.client_id)
        for name, value in _about(message, record, client, settings).items():
            event.add(name, value)
        for name, person in self._people(settings, sender, to).items():
            event.add(name, person)
        calendar = Calendar()
        calendar.add("version", "2.0")
        calendar.add("prodid", "-//Carillon//Appointments//EN")
        calendar.add("method", method)
        calendar.add_component(event)
        return Attachment(FILE_NAME, f"text/calendar; method={method}; charset=UTF-8", calendar.to_ical())

    def _people(self, settings: Settings, sender: MailFrom, to: str) -> dict[str, Any]:
        """Say whose appointment it is, and that the recipient takes part.

        Whoever is told has the appointment already, so nobody is asked to answer, and nobody's answer gets lost.
        """
        from icalendar import vCalAddress  # noqa: PLC0415

        holder, writer = sender.organizer or self._deployment, sender.address or self._deployment
        organizer, attendee = vCalAddress(f"mailto:{holder}"), vCalAddress(f"mailto:{to}")
        organizer.params["CN"] = one_line(settings.name).replace('"', "'")
        if writer != holder:
            organizer.params["SENT-BY"] = f"mailto:{writer}"
        attendee.params |= {"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}
        return {"organizer": organizer, "attendee": attendee}

    def _uid(self, org_id: str, ref: str, holder: str) -> str:
        """Name an entry so that nobody can work the name out, and take out of a calendar what he was not sent."""
        named = f"{org_id}\x1f{ref}\x1f{holder}".encode()
        return hmac.new(self._signing_key().encode(), b"calendar:" + named, hashlib.sha256).hexdigest()[:40]


def _about(message: Message, record: StoredRecord, client: Client | None, settings: Settings) -> dict[str, Any]:
    """Say when, what and where, in the words of the appointment; for the client also how to reach the business."""
    from icalendar import vUri  # noqa: PLC0415

    appointment = record.appointment
    known: dict[str, Any] = {
        "dtstart": appointment.starts(settings.time_zone).astimezone(UTC),
        "dtend": appointment.ends(settings.time_zone).astimezone(UTC),
        "summary": _summary(message, record, client, settings),
    }
    if place := appointment.location or settings.contact.address:
        known["location"] = one_line(place)
    if message.audience == "client":
        manage = link(appointment.manage_url, settings.link_domains)
        if notes := [text for text in (settings.contact.phone, manage) if text]:
            known["description"] = "\n".join(notes)
        if manage:
            known["url"] = vUri(manage)
    return known


def _summary(message: Message, record: StoredRecord, client: Client | None, settings: Settings) -> str:
    service = record.appointment.service
    whom = settings.name if message.audience == "client" else client.full_name if client is not None else ""
    return one_line(", ".join(part for part in (service, whom) if part) or settings.name)
