"""From a line to what the API takes: which cell becomes which field, and which field came from which column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from carillon.domain.ids import digest
from carillon.domain.times import iso, parse_start, to_instant
from tools.importing import cells
from tools.importing.dates import Order, read_date, read_moment, read_time
from tools.importing.faults import BadLine
from tools.importing.mapping import FIELD, Columns, Mapping
from tools.importing.people import normal
from tools.importing.reading import Row

Json = dict[str, Any]
PLAIN = ("id", "first_name", "last_name", "email", "locale", "time_zone")
MADE = "imp-"
"""In front of ids that are made of what a line holds, so that the same line is the same thing every time."""


@dataclass(frozen=True)
class Account:
    """What of the organization a line is read by."""

    country: str
    time_zone: str
    guarded: bool = True


@dataclass
class Made:
    """What a line became. `places`: the column of each pointer. `contact`: who it is for, where no id says so."""

    line: int
    item: Json = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    bad: list[BadLine] = field(default_factory=list)
    contact: Json = field(default_factory=dict)

    def column(self, pointer: str) -> str:
        """Name the column that a fault is about: the nearest place above it that came from one."""
        while pointer and pointer not in self.places:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, "")


class Builder:
    """Makes items of the lines of one file."""

    def __init__(self, columns: Columns, mapping: Mapping, account: Account, order: Order | None) -> None:
        self._columns = columns
        self._mapping = mapping
        self._account = account
        self._order = order

    def text(self, row: Row, name: str) -> str:
        """Give a cell as it is meant: by the mapping's values, else as it stands, else the default."""
        column = self._columns.named.get(name)
        text = row.cells[column] if column is not None else ""
        meant = self._mapping.values.get(name, {}).get(text.casefold(), text)
        return meant or self._mapping.defaults.get(name, "")

    def client(self, row: Row) -> Made:
        """Make a client."""
        made = Made(row.line)
        for name in PLAIN:
            self._put(made, row, name, f"/{name}", str)
        self._name(made, row, "name", made.item, "")
        self._put(made, row, "phone", "/phone", cells.phone)
        self._put(made, row, "tags", "/tags", cells.items)
        for name in ("enrolled", "allow_shared_contact"):
            self._put(made, row, name, f"/{name}", cells.yes_or_no)
        self._consents(made, row)
        if "id" not in made.item:
            made.item["id"] = contact_id(made.item, self._account.country)
        return made

    def appointment(self, row: Row) -> Made:
        """Make an appointment; nobody is told of it, its reminders are planned all the same."""
        made = Made(row.line)
        for name in ("id", "client_id", "time_zone", "service", "location", "manage_url"):
            self._put(made, row, name, f"/{name}", str)
        self._put(made, row, "staff_ids", "/staff_ids", cells.items)
        self._put(made, row, "status", "/status", cells.status)
        self._contact(made, row)
        self._when(made, row)
        self._price(made, row)
        for name in self._columns.named:
            if name.startswith(FIELD) and (text := self.text(row, name)):
                made.item.setdefault("fields", {})[name.removeprefix(FIELD)] = text
                made.places[f"/fields/{name.removeprefix(FIELD)}"] = self._columns.named[name]
        made.item |= {"status": made.item.get("status", "booked"), "notify": False}
        if "id" not in made.item:
            whose = made.item.get("client_id") or contact_id(made.contact, self._account.country)
            parts = whose, str(made.item.get("start")), str(made.item.get("service", ""))
            made.item["id"] = MADE + digest("appointment", *parts)[:24]
        return made

    def _put(self, made: Made, row: Row, name: str, pointer: str, read: Callable[[str], Any]) -> None:
        """Put a cell into its field; one that is empty leaves it out."""
        text = self.text(row, name)
        made.places[pointer] = self._columns.named.get(name, name)
        if not text:
            return
        try:
            made.item[pointer[1:]] = read(text)
        except ValueError as error:
            self._bad(made, name, str(error))

    def _bad(self, made: Made, name: str, reason: str) -> None:
        made.bad.append(BadLine(made.line, self._columns.named.get(name, name), reason))

    def _name(self, made: Made, row: Row, column: str, into: Json, prefix: str) -> None:
        """Part a whole name behind its first word, where the parts have no columns of their own."""
        whole = self.text(row, column)
        if whole and "first_name" not in into:
            first, _, last = whole.partition(" ")
            into |= {"first_name": first} | ({"last_name": last.strip()} if last.strip() else {})
            made.places |= {f"{prefix}/first_name": self._columns.named.get(column, column)}

    def _consents(self, made: Made, row: Row) -> None:
        found: Json = {}
        for purpose in ("service", "marketing"):
            name = f"{purpose}_consent"
            made.places[f"/consents/{purpose}"] = self._columns.named.get(name, name)
            if text := self.text(row, name):
                try:
                    found[purpose] = cells.grants(text)
                except ValueError as error:
                    self._bad(made, name, str(error))
        if not found:
            return
        found["source"] = self.text(row, "consent_source") or "import"
        if wording := self.text(row, "consent_wording"):
            found["wording"] = wording
        if text := self.text(row, "consent_at"):
            try:
                found["at"] = self._instant(text)
            except ValueError as error:
                self._bad(made, "consent_at", str(error))
        names = {"wording": "consent_wording", "at": "consent_at", "source": "consent_source"}
        made.places |= {f"/consents/{key}": self._columns.named.get(name, name) for key, name in names.items()}
        made.item["consents"] = found

    def _instant(self, text: str) -> str:
        """Read an instant: a day stands for its midnight, a time without an offset is the organization's."""
        try:
            start = parse_start(read_moment(text, self._order))
        except ValueError:
            start = datetime.combine(read_date(text, self._order), datetime.min.time())
        return iso(start if start.tzinfo is not None else to_instant(start, self._account.time_zone))

    def _contact(self, made: Made, row: Row) -> None:
        """Note who comes, where the file names no client of ours but a person."""
        for name in ("first_name", "last_name", "email", "phone"):
            if text := self.text(row, f"client_{name}"):
                try:
                    made.contact[name] = cells.phone(text) if name == "phone" else text
                except ValueError as error:
                    self._bad(made, f"client_{name}", str(error))
        self._name(made, row, "client_name", made.contact, "/client")
        known = self._columns.named
        whose = next((known[name] for name in ("client_phone", "client_email", "client_name") if name in known), "")
        made.places["/client_id"] = known.get("client_id", whose)
        made.places |= {f"/client/{name}": known.get(f"client_{name}", whose) for name in ("email", "phone")}
        if "client_id" in made.item:
            made.contact = {}
        elif not made.bad and not made.contact.keys() & {"email", "phone"}:
            self._bad(made, "client_id", "names nobody: give client_id, or client_phone or client_email")

    def _when(self, made: Made, row: Row) -> None:
        """Put start and duration together from whatever columns there are."""
        name = "start" if self.text(row, "start") else "date"
        text = self.text(row, "start") or " ".join(filter(None, (self.text(row, "date"), self.text(row, "time"))))
        made.places["/start"] = self._columns.named.get(name, name)
        try:
            made.item["start"] = read_moment(text, self._order) if text else ""
        except ValueError as error:
            self._bad(made, name, str(error))
        self._put(made, row, "duration_minutes", "/duration_minutes", cells.whole)
        if "duration_minutes" not in made.item and made.item.get("start"):
            self._duration(made, row, parse_start(made.item["start"]))

    def _duration(self, made: Made, row: Row, start: datetime) -> None:
        name = "end" if self.text(row, "end") else "end_time"
        text = self.text(row, name)
        if not text:
            return
        try:
            end = parse_start(read_moment(text, self._order)) if name == "end" else None
            if end is None:
                end = start.replace(hour=(at := read_time(text)).hour, minute=at.minute)
                end += timedelta(days=1) if end <= start else timedelta(0)
            made.item["duration_minutes"] = _minutes(start, end)
        except (ValueError, TypeError) as error:
            told = "has an offset where the start has none, or the other way round"
            self._bad(made, name, told if isinstance(error, TypeError) else str(error))

    def _price(self, made: Made, row: Row) -> None:
        text, currency = self.text(row, "price"), self.text(row, "currency")
        made.places["/price"] = self._columns.named.get("price", "price")
        if not text:
            return
        try:
            made.item["price"] = {"amount": cells.amount(text), "currency": currency.upper()}
        except ValueError as error:
            self._bad(made, "price", str(error))
        if not currency:
            self._bad(made, "price", "needs a currency: a column, or one under [defaults] of the mapping")
            made.item.pop("price", None)


def _minutes(start: datetime, end: datetime) -> int:
    minutes = int((end - start).total_seconds() // 60)
    if minutes <= 0:
        raise ValueError("is not after the start")
    return minutes


def contact_id(contact: Json, country: str) -> str:
    """Make an id of whatever tells a person: phone, else e-mail, else name."""
    phone, email = normal(contact.get("phone"), country), str(contact.get("email") or "").casefold()
    name = f"{contact.get('first_name', '')} {contact.get('last_name', '')}".strip().casefold()
    return MADE + digest("client", phone or email or name)[:24]
