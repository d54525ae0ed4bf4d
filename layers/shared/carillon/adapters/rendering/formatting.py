"""Values for templates: dates, times, prices, durations and lists as the reader's locale writes them.

Babel is imported on first use: only functions that render pay for it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from carillon.adapters.rendering.cleaning import clean, link
from carillon.adapters.rendering.texts import parts
from carillon.domain.clients import Client, Staff
from carillon.domain.codec import to_data
from carillon.domain.records import Appointment
from carillon.domain.settings import Settings, Status
from carillon.domain.templates import built_in_locale
from carillon.domain.times import parse_start, start_instant, to_wall

if TYPE_CHECKING:
    from babel import Locale

_KEPT = 4096
"""How many written values a locale remembers."""
_FAR = timedelta(days=300)
"""A date further away than this shows its year."""
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})
_EUROPE = (
    "AD AL AT BA BE BG CH CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE "
    "SI SK SM UA XK"
)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """An appointment in a list: in a recap, or another one of the same day in a reminder."""

    appointment: Appointment
    client: str = ""
    staff_names: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a message is about. `locale` is the reader's; `now` decides about "today" and about showing a year.

    `staff` is the member of staff who reads it, `staff_names` are those on the record. `others`: further appointments
    that one reminder covers. `recap_day` with `recap`: the list of a day. `slot`, `order`, `lead`, `task`: documents
    as plain data. `fields`: the integrator's own.
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


class Formats:
    """Everything a locale writes its own way."""

    def __init__(self, locale: str, country: str) -> None:
        self.locale = _babel(locale, country)
        built_in = built_in_locale(locale)
        self._own: Mapping[str, Any] = parts(built_in) if built_in else {}
        self._words: Mapping[str, str] = self._own.get("words", {})
        self._written: dict[tuple[str, Any], str] = {}

    def _once(self, what: str, value: Any, write: Callable[[], str]) -> str:
        """Write a value once: the same days, times and lengths come in message after message."""
        key = (what, value)
        if key not in self._written:
            if len(self._written) >= _KEPT:
                self._written.clear()
            self._written[key] = write()
        return self._written[key]

    def day(self, day: date, *, year: bool = False) -> str:
        """Write a date as `1 December`, with the year if asked."""
        return self._once("long", (day, year), lambda: self._date("long", day, year=year))

    def full_day(self, day: date, *, year: bool = False) -> str:
        """Write a date with its day of the week: `Tuesday, 1 December`."""
        return self._once("full", (day, year), lambda: self._date("full", day, year=year))

    def _date(self, width: str, day: date, *, year: bool) -> str:
        from babel.dates import format_date  # noqa: PLC0415

        pattern = str(self.locale.date_formats[width].pattern)
        return self._first(format_date(day, pattern if year else _without_year(pattern), self.locale))

    def _first(self, text: str) -> str:
        first = self._words.get("first_of_month")
        return (re.sub(r"(?<!\d)1(?= [^\W\d])", first, text) if first else text).translate(_SPACES)

    def weekday(self, day: date) -> str:
        """Name the day of the week."""
        from babel.dates import format_date  # noqa: PLC0415

        return self._once("weekday", day, lambda: format_date(day, "EEEE", self.locale))

    def time(self, wall: datetime) -> str:
        """Write a wall time as `14:30` or `2:30 PM`."""
        from babel.dates import format_time  # noqa: PLC0415

        clock = wall.time()
        return self._once("time", clock, lambda: format_time(clock, "short", locale=self.locale).translate(_SPACES))

    def duration(self, minutes: int) -> str:
        """Write a length of time as `1 hour 30 minutes`; whole days as days from two on ("24 hours" is one night)."""
        days, rest = divmod(minutes, 24 * 60)
        if days < 2 or rest:  # noqa: PLR2004
            days, rest = 0, minutes
        hours, left = divmod(rest, 60)
        named = (("days", days), ("hours", hours), ("minutes", left))
        written = (
            self._once(unit, count, lambda u=unit, n=count: self.counted(u, n)) for unit, count in named if count
        )
        return " ".join(written)

    def money(self, price: Mapping[str, Any] | None) -> str | None:
        """Write an amount `{amount, currency}`."""
        from babel.numbers import format_currency  # noqa: PLC0415

        if not price:
            return None
        amount, currency = price["amount"], price["currency"]
        return self._once(
            "money",
            (amount, currency),
            lambda: format_currency(amount, currency, locale=self.locale).translate(_SPACES),
        )

    def joined(self, names: list[str]) -> str:
        """Join names as a sentence does."""
        from babel.lists import format_list  # noqa: PLC0415

        return format_list(names, locale=self.locale).translate(_SPACES)

    def status(self, status: str, own: Sequence[Status] = ()) -> str:
        """Label a status: the business's own label, ours, or the status as it is."""
        label = next((entry.label for entry in own if entry.key == status), {})
        for name in (str(self.locale).replace("_", "-"), self.locale.language):
            if name in label:
                return label[name]
        return next(iter(label.values()), None) or self._own.get("status", {}).get(status, status)

    def counted(self, what: str, count: int) -> str:
        """Count days, hours, minutes or appointments in the right form: `1 wizyta`, `2 wizyty`, `5 wizyt`."""
        from babel.units import format_unit  # noqa: PLC0415

        forms = self._own.get(what)
        if forms is not None:
            return str(forms.get(self.locale.plural_form(count), forms["other"])).replace("{n}", str(count))
        if what == "appointments":
            return str(count)
        # Some units of some locales are missing in Babel, which then prints their key; the short form has them.
        unit = f"duration-{what[:-1]}"
        text = format_unit(count, unit, locale=self.locale)
        return (format_unit(count, unit, "short", locale=self.locale) if unit in text else text).translate(_SPACES)

    def near(self, day: date, today: date) -> str:
        """Name today and tomorrow; empty for any other day."""
        name = {0: "today", 1: "tomorrow"}.get((day - today).days)
        return self._words.get(name, "") if name else ""


def _without_year(pattern: str) -> str:
    """Take the year out of a CLDR date pattern, with what joins it (`, y`, `'de' y`, `y. `); keep it in the middle."""
    shorter = re.sub(r"(?:[,\s]|'[^']*'(?=\s*y))*[yr]+(?:\s*'[^']*'\.?|[^\w\s']*)\s*$", "", pattern)
    shorter = re.sub(r"^\s*[yr]+(?:\s*'[^']*'|[^\w\s']|[\u5e74\ub144])*\s*", "", shorter)
    return pattern if re.search("[yr]", re.sub(r"'[^']*'", "", shorter)) else shorter


@lru_cache(maxsize=64)
def formats(locale: str, country: str) -> Formats:
    """Give the formats of a locale; the country decides what a bare language leaves open (`en` in NL: 14:30)."""
    return Formats(locale, country)


def _babel(locale: str, country: str) -> "Locale":
    from babel import Locale, localedata  # noqa: PLC0415

    language, _, rest = locale.partition("-")
    general = {"en": "en_150" if country in _EUROPE.split() else "en_001"}.get(language, language)
    names = [locale.replace("-", "_")] if rest else []
    for name in (*names, f"{language}_{country}", general, language):
        if localedata.exists(name):
            return Locale.parse(name)
    return Locale.parse("en_150")


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
        "others": [_line(visit, facts.settings, names) for visit in facts.others],
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
    lines = [_line(visit, facts.settings, names) for visit in facts.recap]
    return {
        "date": names.day(day),
        "day": names.full_day(day),
        "weekday": names.weekday(day),
        "count": names.counted("appointments", len(lines)),
        "first_time": lines[0]["time"] if lines else None,
        "last_time": lines[-1]["end_time"] if lines else None,
        "items": lines,
    }


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
