"""Every line against the API's own rules, before anything is sent; all that is wrong with all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from carillon.adapters.phones import NumberPlans
from carillon.domain import consents
from carillon.domain.constraints import ID_PATTERN
from carillon.domain.errors import Fault, Invalid, InvalidValue
from carillon.runtime.http import Draft
from carillon.services.appointments import AppointmentInput, whose
from carillon.services.clients import ClientInput
from tools.importing.building import Account, Builder, Json, Made, contact_id
from tools.importing.dates import Order, order_of
from tools.importing.faults import BadLine
from tools.importing.mapping import Columns, Mapping
from tools.importing.people import contact_of, normal
from tools.importing.reading import Sheet

PATTERNS = {
    ID_PATTERN: "must be 1 to 64 of A-Z a-z 0-9 . _ : -",
    "[0-9() ./": "is no phone number: it holds more than digits, blanks and ( ) . / - +",
    "[a-z]{2,3}": "is no language such as nl, pl, fr, en or pt-BR",
    "[A-Z]{3}": "is no currency such as EUR",
}
DATED = ("start", "date", "end", "consent_at")


@dataclass
class Checked:
    """The good lines, and what is wrong with the others."""

    good: list[Made] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)


def check(sheet: Sheet, columns: Columns, mapping: Mapping, account: Account, order: Order | None = None) -> Checked:
    """Check a file's lines by themselves and against each other."""
    texts = [row.cells[columns.named[name]] for row in sheet.rows for name in DATED if name in columns.named]
    builder = Builder(columns, mapping, account, order or mapping.dates or order_of(texts))
    make = builder.client if columns.kind == "clients" else builder.appointment
    checked = Checked(bad=list(sheet.bad))
    for made in map(make, sheet.rows):
        _validate(made, columns.kind, account)
        checked.good.append(made)
    _compare(checked.good, columns, account)
    checked.bad += [bad for made in checked.good for bad in made.bad]
    checked.bad.sort()
    checked.good = [made for made in checked.good if not made.bad]
    return checked


def _validate(made: Made, kind: str, account: Account) -> None:
    """Read an item as the API does; a cell is named once, and what is missing only where nothing else is wrong."""
    unread = bool(made.bad)
    told = {bad.column for bad in made.bad}
    for fault in list(_faults(made, kind, account)):
        column = made.column(fault.pointer)
        if column not in told and not (unread and fault.code == "missing_field"):
            made.bad.append(BadLine(made.line, column, _plain(fault.message)))
            told.add(column)


def _plain(message: str) -> str:
    """Say a pattern in words."""
    return next((words for pattern, words in PATTERNS.items() if pattern in message), message)


def _faults(made: Made, kind: str, account: Account) -> Iterable[Fault]:
    if kind == "clients":
        yield from _of(ClientInput, made.item, account, "")
        return
    if made.contact:
        # Whoever is known by a phone or an e-mail may go without a name: somebody who is there already has one.
        person = {"first_name": "-"} | made.contact
        yield from _of(ClientInput, person, account, "/client")
    whom = made.item.get("client_id") or contact_id(made.contact, account.country)
    yield from _of(AppointmentInput, made.item | {"client_id": whom}, account, "")


def _of(model: type[Any], item: Json, account: Account, prefix: str) -> Iterable[Fault]:
    known = {name: value for name, value in item.items() if value != ""}
    try:
        stated = Draft(model, known).value(whose if model is AppointmentInput else None)
        if isinstance(stated, ClientInput) and stated.consents is not None:
            yield from consents.faults(stated.consents, datetime.now(UTC), "/consents")
    except Invalid as error:
        yield from (Fault(f"{prefix}{each.pointer}", each.code, each.message) for each in error.faults)
    if isinstance(phone := known.get("phone"), str):
        yield from _phone(phone, account.country, f"{prefix}/phone")


def _phone(text: str, country: str, pointer: str) -> Iterable[Fault]:
    try:
        NumberPlans().normalise(text, country)
    except InvalidValue as error:
        yield Fault(pointer, error.code, str(error))


def _compare(every: list[Made], columns: Columns, account: Account) -> None:
    """Find lines that say the same thing twice, and people who share what one alone may have."""
    named = "id" in columns.named
    seen: dict[str, int] = {}
    contacts: dict[str, int] = {}
    for made in every:
        known = str(made.item["id"])
        if known in seen:
            told = "has the id of" if named else "is the same as"
            made.bad.append(BadLine(made.line, columns.named.get("id", ""), f"{told} line {seen[known]}"))
            continue
        seen[known] = made.line
        if columns.kind == "clients" and account.guarded and not made.item.get("allow_shared_contact"):
            _share(made, contacts, partial(normal, country=account.country))


def _share(made: Made, contacts: dict[str, int], normalised: Any) -> None:
    phone, email = normalised(made.item.get("phone")), str(made.item.get("email") or "").casefold()
    for pointer, contact in (("/phone", phone), ("/email", email)):
        if not contact:
            continue
        if contact in contacts:
            told = f"is that of line {contacts[contact]} too; a family that shares one sets allow_shared_contact"
            made.bad.append(BadLine(made.line, made.column(pointer), told))
        else:
            contacts[contact] = made.line


def whose_contact(made: Made, account: Account) -> str:
    """Give what the person of an appointment is known by, where the file names no client."""
    return contact_of(made.contact, account.country)
