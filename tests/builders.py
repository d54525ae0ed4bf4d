"""Makes documents for tests: each with sensible values, changed by keyword."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, ConsentState, Staff
from carillon.domain.decisions import Facts
from carillon.domain.messages import Message, Occasion, message_key
from carillon.domain.organizations import Organization
from carillon.domain.record_documents import Actor, Appointment
from carillon.domain.records import Event, Planned, StoredRecord
from carillon.domain.rules import RulesInForce, default_rules
from carillon.domain.settings import Reminder, Settings, When, default_reminders
from carillon.domain.times import iso

ORG = "aurora"
REF = "appointments/42"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
START = datetime(2026, 12, 1, 13, 30, tzinfo=UTC)
"""14:30 in Amsterdam."""
ID = "01KAQZ3V00ABCDEFGHJKMNPQRS"
ALL_SERVICE: dict[Channel, bool] = {"email": True, "sms": True, "whatsapp": True}
CONNECTED: frozenset[Channel] = frozenset({"email", "sms", "whatsapp"})


def organization(**changes: Any) -> Organization:
    basis: dict[str, Any] = {
        "id": ORG,
        "name": "Salon Aurora",
        "time_zone": "Europe/Amsterdam",
        "locale": "nl",
        "country": "NL",
        "active": True,
        "created_at": iso(NOW),
    }
    return Organization(**(basis | changes))


def settings(**changes: Any) -> Settings:
    basis: dict[str, Any] = {
        "name": "Salon Aurora",
        "time_zone": "Europe/Amsterdam",
        "locale": "nl",
        "country": "NL",
    }
    return Settings(**(basis | changes))


def client(client_id: str = "anna", **changes: Any) -> Client:
    basis: dict[str, Any] = {
        "id": client_id,
        "first_name": "Anna",
        "last_name": "de Vries",
        "email": f"{client_id}@example.com",
        "phone": "+31612345678",
        "enrolled": True,
        "reminders": default_reminders(),
        "consents": ConsentState(service=ALL_SERVICE),
    }
    return Client(**(basis | changes))


def staff(staff_id: str = "s1", **changes: Any) -> Staff:
    basis: dict[str, Any] = {
        "id": staff_id,
        "name": f"Staff {staff_id}",
        "email": f"{staff_id}@example.com",
        "mobile": f"+3161000{sum(staff_id.encode()):04d}",
    }
    return Staff(**(basis | changes))


def appointment(**changes: Any) -> Appointment:
    basis: dict[str, Any] = {
        "client_id": "anna",
        "start": "2026-12-01T14:30:00",
        "duration_minutes": 45,
        "status": "booked",
        "service": "Knippen",
    }
    return Appointment(**(basis | changes))


def record(of: Appointment | None = None, **changes: Any) -> StoredRecord:
    about = of or appointment()
    basis: dict[str, Any] = {
        "ref": REF,
        "version": 1,
        "document": about,
        "created_at": NOW,
        "accepted_at": NOW,
        "start": about.starts("Europe/Amsterdam"),
    }
    return StoredRecord(**(basis | changes))


def planned(key: str = "day_before", at: datetime | None = None, **changes: Any) -> Planned:
    basis: dict[str, Any] = {
        "key": key,
        "start": START,
        "at": at or datetime(2026, 11, 30, 17, 0, tzinfo=UTC),
        "state": "planned",
        "generation": 1,
    }
    return Planned(**(basis | changes))


def reminder(key: str, *, enabled: bool = True, strategy: str = "first_reachable", **when: Any) -> Reminder:
    channels: Any = when.pop("channels", ["whatsapp", "sms", "email"])
    form = When(**(when or {"days_before": 1, "at": "18:00"}))
    return Reminder(key=key, enabled=enabled, when=form, channels=channels, strategy=strategy)  # type: ignore[arg-type]


def event(kind: str = "appointment.booked", **changes: Any) -> Event:
    basis: dict[str, Any] = {
        "type": kind,
        "version": 1,
        "at": iso(NOW),
        "actor": Actor(),
        "client_id": "anna",
    }
    return Event(**(basis | changes))


def approved(*keys: str, audience: str = "client", locale: str = "nl") -> frozenset[tuple[str, str, str]]:
    return frozenset((key, audience, locale) for key in keys)


def facts(**changes: Any) -> Facts:
    basis: dict[str, Any] = {
        "organization": organization(),
        "settings": settings(),
        "rules": RulesInForce(default_rules(), "builtin"),
        "record": record(),
        "client": client(),
        "staff": {},
        "connected": CONNECTED,
        "whatsapp_templates": approved("reminder"),
    }
    return Facts(**(basis | changes))


def reminder_occasion(key: str = "day_before", start: datetime = START) -> Occasion:
    return Occasion(REF, reminder=key, start=start)


def event_occasion(kind: str = "appointment.booked", version: int = 1) -> Occasion:
    return Occasion(REF, event=kind, version=version)


def message(
    occasion: Occasion | None = None, channel: Channel | None = "email", recipient: str = "c:anna", **changes: Any
) -> Message:
    about = occasion or reminder_occasion()
    audience = changes.pop("audience", "client")
    default_template = f"reminder.{about.reminder}" if about.reminder else f"{about.event}.console"
    basis: dict[str, Any] = {
        "key": message_key(ORG, about, audience, recipient, channel),
        "id": ID,
        "status": "queued",
        "channel": channel,
        "audience": audience,
        "to": "anna@example.com",
        "occasion": about,
        "template": default_template,
        "created_at": NOW,
        "deadline": START,
        "timeline": ((NOW, "queued", None),),
    }
    return Message(**(basis | changes))


def with_plan(of: StoredRecord, *entries: Planned) -> StoredRecord:
    return replace(of, plan=entries, plan_revision=max((entry.generation for entry in entries), default=0))
