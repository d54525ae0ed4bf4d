"""Values for templates: what a message is about, as the reader's locale writes it."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import date, datetime, timedelta
from typing import Any

from carillon.adapters.rendering.cleaning import clean, link
from carillon.adapters.rendering.locales import Formats, formats
from carillon.adapters.rendering.sandbox import Walked
from carillon.domain.clients import Client, Staff
from carillon.domain.codec import to_data
from carillon.domain.record_documents import Appointment
from carillon.domain.settings import Settings
from carillon.domain.times import parse_start, start_instant, to_wall
from carillon.domain.values import value

LINE_VALUE = 80
"""Characters of each value in a line of a day's list."""
MOST_PEOPLE = 100
"""People whose day is summed up above a list."""
LINE_SHOWS = ("time", "end_time", "client", "service", "staff", "location")
LINE_MARKS = 10
"""Characters of a line that are none of its values."""
_FAR = timedelta(days=300)
"""A date further away than this shows its year."""


@value(kw_only=True)
class Visit:
    """An appointment in a list: in a recap, or another one of the same day in a reminder."""

    appointment: Appointment
    client: str = ""
    staff_names: Sequence[str] = ()


@value(kw_only=True)
class Facts:
    """What a message is about. `locale` is the reader's; `now` decides about "today" and about showing a year.

    `staff` is the member of staff who reads it, `staff_names` are those on the record. `others`: further appointments
    that one reminder covers. `recap_day` with `recap`: the list of a day; `recap_room`: how many entries and characters
    of it are shown; `recap_of_all`: it is everybody's. `slot`, `order`, `lead`, `task`: documents as plain data.
    `fields`: the integrator's own.
    """

    settings: Settings
    locale: str
    now: datetime
    client: Client | None = None
    staff: Staff | None = None
    staff_names: Sequence[str] = ()
    appointment: Appointment | None = None
    others: Sequence[Visit] = ()
    reminder_key: str | None = None
    lead_time: timedelta | None = None
    recap_day: date | None = None
    recap: Sequence[Visit] = ()
    recap_room: tuple[int, int] = (500, 30_000)
    recap_of_all: bool = False
    slot: Mapping[str, Any] | None = None
    order: Mapping[str, Any] | None = None
    lead: Mapping[str, Any] | None = None
    task: Mapping[str, Any] | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    preferences_url: str | None = None
    unsubscribe_url: str | None = None


class Names(list[str]):
    """A list that prints as the locale joins it: `Anna, Marek en Eva`."""

    def __init__(self, items: Sequence[str], formats: "Formats") -> None:
        super().__init__(items)
        self._formats = formats

    def __str__(self) -> str:
        return self._formats.joined(list(self))


def build_values(facts: Facts) -> dict[str, Any]:
    """Make every variable of the catalog; what is absent is None, so that its sentence can be left out."""
    settings, names = facts.settings, formats(facts.locale, facts.settings.country)
    contact, domains = settings.contact, settings.link_domains
    client, appointment = facts.client, facts.appointment
    values = {
        "organization": {
            "name": settings.name,
            "phone": contact.phone,
            "email": contact.email,
            "address": contact.address,
            "website": link(contact.website),
        },
        "client": {
            "first_name": client and client.first_name,
            "last_name": client and client.last_name,
            "full_name": client and client.full_name,
        },
        "staff": {"name": facts.staff and facts.staff.name},
        "staff_names": Names(facts.staff_names, names),
        "appointment": appointment and _appointment(appointment, facts, names),
        "slot": facts.slot and _slot(facts.slot, facts, names),
        "order": facts.order and _order(facts.order, facts, names),
        "lead": facts.lead and _lead(facts.lead, settings, names),
        "task": facts.task and _task(facts.task, facts, names),
        "reminder": _reminder(facts, names),
        "recap": facts.recap_day and _recap(facts.recap_day, facts, names),
        "review": {"url": link(settings.review.url)},
        "links": {"preferences": facts.preferences_url, "unsubscribe": facts.unsubscribe_url},
        "fields": {**(dict(appointment.fields) if appointment else {}), **facts.fields},
    }
    return clean({name: value if value is not None else {} for name, value in values.items()}, domains)


def day_times(values: dict[str, Any], locale: str, country: str) -> str | None:
    """Have the time of an appointment read as those of the day's others too: `14:30, 16:00 and 17:15`; gives that.

    For approved texts, which have no list to put them in. None where there are no others.
    """
    others = values.get("reminder", {}).get("others")
    if not others:
        return None
    times = dict.fromkeys([values["appointment"]["time"], *(other["time"] for other in others)])
    joined = formats(locale, country).joined(list(times))
    values["appointment"]["time"] = joined
    return joined


def _wall(appointment: Appointment, settings: Settings) -> datetime:
    place = appointment.time_zone or settings.time_zone
    return to_wall(appointment.starts(settings.time_zone), place)


def _end(appointment: Appointment, settings: Settings) -> datetime:
    return to_wall(appointment.ends(settings.time_zone), appointment.time_zone or settings.time_zone)


def _day(wall: datetime, facts: Facts, names: Formats) -> dict[str, str]:
    far = abs(wall - facts.now) > _FAR
    day = wall.date()
    return {
        "date": names.day(day, year=far),
        "day": names.full_day(day, year=far),
        "weekday": names.weekday(day),
        "time": names.time(wall),
    }


def _appointment(appointment: Appointment, facts: Facts, names: Formats) -> dict[str, Any]:
    price = appointment.price
    domains = facts.settings.link_domains
    return {
        **_day(_wall(appointment, facts.settings), facts, names),
        "end_time": names.time(_end(appointment, facts.settings)),
        "duration": names.duration(appointment.duration_minutes),
        "service": appointment.service,
        "location": appointment.location,
        "price": names.money(to_data(price) if price else None),
        "status": names.status(appointment.status),
        "manage_url": link(appointment.manage_url, domains),
        "payment_url": link(appointment.payment_url, domains),
    }


def _reminder(facts: Facts, names: Formats) -> dict[str, Any]:
    day = ""
    if facts.appointment is not None:
        wall = _wall(facts.appointment, facts.settings)
        day = names.near(wall.date(), facts.now.astimezone(wall.tzinfo).date())
    minutes = int(facts.lead_time.total_seconds()) // 60 if facts.lead_time else 0
    return {
        "key": facts.reminder_key,
        "lead_time": names.duration(minutes) if minutes else None,
        "day": day,
        "others": Walked([_line(visit, facts.settings, names) for visit in facts.others]),
    }


def _line(visit: Visit, settings: Settings, names: Formats) -> dict[str, Any]:
    appointment = visit.appointment
    return {
        "time": names.time(_wall(appointment, settings)),
        "end_time": names.time(_end(appointment, settings)),
        "duration": names.duration(appointment.duration_minutes),
        "status": names.status(appointment.status),
        "client": visit.client,
        "service": appointment.service,
        "staff": names.joined(list(visit.staff_names)),
        "location": appointment.location,
    }


def _recap(day: date, facts: Facts, names: Formats) -> dict[str, Any]:
    visits, settings = facts.recap, facts.settings
    lines = _fitting(facts, names)
    last = max((visit.appointment for visit in visits), key=lambda one: one.ends(settings.time_zone), default=None)
    return {
        "date": names.day(day),
        "day": names.full_day(day),
        "weekday": names.weekday(day),
        "count": names.counted("appointments", len(visits)),
        "first_time": lines[0]["time"] if lines else None,
        "last_time": names.time(_end(last, settings)) if last is not None else None,
        "items": lines,
        "people": _people(visits, settings, names) if facts.recap_of_all else [],
        "more": str(len(visits) - len(lines)) if len(lines) < len(visits) else None,
    }


def _people(visits: Sequence[Visit], settings: Settings, names: Formats) -> list[dict[str, Any]]:
    """Say how busy each is whom a list of several people's appointments names, by name."""
    days: dict[str, list[Appointment]] = {}
    for visit in visits:
        for name in visit.staff_names:
            days.setdefault(name, []).append(visit.appointment)
    return [
        {
            "name": name[:LINE_VALUE],
            "count": names.counted("appointments", len(own)),
            "first_time": names.time(_wall(own[0], settings)),
            "last_time": names.time(_end(max(own, key=lambda one: one.ends(settings.time_zone)), settings)),
        }
        for name, own in sorted(days.items())[:MOST_PEOPLE]
    ]


def _fitting(facts: Facts, names: Formats) -> list[dict[str, Any]]:
    """Give the first lines of a day's list, as many as there is room for; the first one always."""
    most, room = facts.recap_room
    lines: list[dict[str, Any]] = []
    for visit in facts.recap[:most]:
        line = {name: text and text[:LINE_VALUE] for name, text in _line(visit, facts.settings, names).items()}
        room -= LINE_MARKS + sum(len(line[name] or "") for name in LINE_SHOWS)
        if lines and room < 0:
            break
        lines.append(line)
    return lines


def _slot(slot: Mapping[str, Any], facts: Facts, names: Formats) -> dict[str, Any]:
    place = facts.settings.time_zone
    start = slot.get("start")
    day = _day(to_wall(start_instant(start, place), place), facts, names) if start else {}
    return {
        **day,
        "service": slot.get("service"),
        "staff": slot.get("staff"),
        "booking_url": link(slot.get("booking_url"), facts.settings.link_domains),
    }


def _due(text: str | None, facts: Facts, names: Formats) -> str | None:
    if not text:
        return None
    if len(text) == len("2026-12-01"):
        return names.day(date.fromisoformat(text), year=True)
    value = parse_start(text)
    wall = value if value.tzinfo is None else to_wall(value, facts.settings.time_zone)
    return f"{names.day(wall.date())}, {names.time(wall)}"


def _order(order: Mapping[str, Any], facts: Facts, names: Formats) -> dict[str, Any]:
    return {
        "number": order.get("number"),
        "summary": order.get("summary"),
        "status": names.status(order.get("status") or "", facts.settings.order_statuses),
        "total": names.money(order.get("total")),
        "due": _due(order.get("due"), facts, names),
    }


def _lead(lead: Mapping[str, Any], settings: Settings, names: Formats) -> dict[str, Any]:
    known = {name: lead.get(name) for name in ("name", "phone", "email", "summary")}
    return {**known, "status": names.status(lead.get("status") or "", settings.lead_statuses)}


def _task(task: Mapping[str, Any], facts: Facts, names: Formats) -> dict[str, Any]:
    return {
        "title": task.get("title"),
        "status": names.status(task.get("status") or ""),
        "due": _due(task.get("due"), facts, names),
        "author": task.get("author"),
        "record": task.get("record"),
    }
