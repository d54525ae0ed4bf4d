"""Clients: made, changed, found and hidden, with the guard against duplicates."""

from collections.abc import Callable
from dataclasses import field, replace
from typing import Annotated

from carillon.domain.clients import Client, Consents, ConsentState
from carillon.domain.codec import Json, to_data
from carillon.domain.consents import LedgerEntry, at_creation, differing, stated_by
from carillon.domain.constraints import Email, Id, Locale, Name, PhoneInput, Text, Zone, document
from carillon.domain.errors import Conflict, Contended, Fault, Invalid, InvalidValue, NotFound
from carillon.domain.idempotency import Attempt
from carillon.domain.listing import ListQuery, Page
from carillon.domain.names import fold
from carillon.domain.organizations import Caller
from carillon.domain.reach import Reach, Refused
from carillon.domain.settings import Settings
from carillon.domain.suppressions import email_changes, reach_at
from carillon.domain.values import value
from carillon.ports.directory import ClientChange, Clients, ClientView, Phones, Stored, Upcoming
from carillon.ports.system import Clock, Ids
from carillon.services.client_documents import ClientDocument, Tags, shown

ROUNDS = 8
READ_ONLY = ("telegram_linked", "viber_linked", "can_message")
"""What an answer shows and a save ignores."""


@document
class ClientInput:
    """A client as an integrator states it.

    `phone` may be national for the organization's country. `enrolled` and `consents` left out stay as they are; of a
    new client they are as the settings say. `allow_shared_contact` exempts from the guard against duplicates.
    """

    id: Id | None = None
    first_name: Name
    last_name: Name | None = None
    email: Email | None = None
    phone: PhoneInput | None = None
    locale: Locale | None = None
    time_zone: Zone | None = None
    tags: Tags = field(default_factory=list)
    enrolled: bool | None = None
    consents: Consents | None = None
    allow_shared_contact: bool = False


@document
class ClientQuery(ListQuery):
    """Which clients: by phone, e-mail (without regard to case) or the beginnings of names; several must all fit."""

    phone: PhoneInput | None = None
    email: Annotated[str, Text(max=254, min=3)] | None = None
    q: Annotated[str, Text(max=200, min=2)] | None = None


@document
class RemoveQuery:
    """`force`: remove the client although it has upcoming appointments."""

    force: bool = False


@value
class Change:
    """What a call makes of a client."""

    before: Stored[Client] | None
    after: Client
    entry: LedgerEntry | None


class ClientKeeping:
    """Use cases on clients."""

    def __init__(self, clients: Clients, upcoming: Upcoming, phones: Phones, clock: Clock, ids: Ids) -> None:
        self._clients = clients
        self._upcoming = upcoming
        self._phones = phones
        self._clock = clock
        self._ids = ids

    def create(self, caller: Caller, stated: ClientInput, attempt: Attempt | None) -> ClientDocument:
        """Make a client; raises Invalid, or Conflict (`duplicate_client`) for a contact or id that is in use."""
        client_id = stated.id or self._ids.ulid(self._clock.now())
        return self._put(caller, client_id, lambda _: stated, attempt, email=stated.email, must_be_new=True)[0]

    def put(self, caller: Caller, client_id: str, stated: ClientInput) -> tuple[ClientDocument, bool]:
        """Make or replace a client; also tells whether it is new. Raises as `create`."""

        def checked(view: ClientView) -> ClientInput:
            # An id that was merged into another client's shows that client, which may be put back as it is.
            known = {client_id, view.client.document.id} if view.client else {client_id}
            if stated.id is not None and stated.id not in known:
                raise Invalid([Fault("/id", "invalid_value", f"must equal the path's id, {client_id!r}")])
            return stated

        return self._put(caller, client_id, checked, None, email=stated.email)

    def along(self, caller: Caller, client_id: str | None, stated: ClientInput) -> ClientChange:
        """Work out the change of a client that a record brings along; the record's transaction writes it.

        Raises Invalid with pointers below `/client`.
        """
        now = self._clock.now()
        known = client_id or self._ids.ulid(now)
        view = self._clients.read(caller.org_id, known, stated.email)
        try:
            change = self._change(caller, known, stated, view)
        except Invalid as error:
            below = [Fault(f"/client{fault.pointer}", fault.code, fault.message) for fault in error.faults]
            raise Invalid(below) from error
        return self._to_save(change, view, self._ids.ulid(now))

    def get(self, org_id: str, client_id: str) -> ClientDocument:
        """Show a client; NotFound for one that is unknown or removed."""
        return shown(existing(self._clients.read(org_id, client_id), client_id).document)

    def patch(
        self, caller: Caller, client_id: str, read: Callable[[Json], ClientInput], email: str | None
    ) -> ClientDocument:
        """Change fields of a client; `read` makes the input from the fields as they are now. Raises as `create`.

        `email`: the address it is to have, None where that stays.
        """

        def stated(view: ClientView) -> ClientInput:
            client = existing(view, client_id).document
            names = ("id", "first_name", "last_name", "email", "phone", "locale", "time_zone", "tags")
            return read({name: to_data(getattr(client, name)) for name in (*names, "allow_shared_contact")})

        return self._put(caller, client_id, stated, None, email=email)[0]

    def faults(self, org_id: str, data: Json) -> list[Fault]:
        """Find a phone number that is none, in a client that may be wrong elsewhere too."""
        text = data.get("phone")
        if not isinstance(text, str):
            return []
        try:
            self._phones.normalise(text, self._clients.read(org_id, "-").settings.country)
        except InvalidValue as error:
            return [Fault("/phone", error.code, str(error))]
        return []

    def remove(self, caller: Caller, client_id: str, *, force: bool) -> Client:
        """Unenrol and hide a client, and give it as it was; raises Conflict (`has_upcoming`) unless forced."""
        org_id, now = caller.org_id, self._clock.now()
        for _ in range(ROUNDS):
            stored = existing(self._clients.read(org_id, client_id), client_id)
            if stored.document.id != client_id:
                # Whoever tidies up after a merge means the duplicate, not the person.
                raise NotFound(f"client {client_id!r} was merged into {stored.document.id!r}")
            if not force and self._upcoming.has_upcoming(org_id, client_id, now):
                raise Conflict("has_upcoming", "the client has upcoming appointments; force=true removes it anyway")
            after = replace(stored.document, enrolled=False, removed=True)
            if self._clients.save(org_id, ClientChange(stored, after, guarded=False), now).version:
                return stored.document
        raise Contended(f"client {client_id} is being changed by others")

    def search(self, org_id: str, query: ClientQuery, position: str | None) -> Page[ClientDocument]:
        """Find clients; without a filter, all of them by name."""
        limit = query.limit
        words = fold(query.q).replace("#", " ").split() if query.q else []
        e164 = self._number(org_id, query.phone) if query.phone else None
        if words and max(map(len, words)) < 2:  # noqa: PLR2004 - one letter finds everybody
            raise Invalid([Fault("/q", "invalid_value", "must have a word of at least 2 letters")])
        if e164:
            page = self._clients.by_phone(org_id, e164, limit, position)
        elif query.email:
            page = self._clients.by_email(org_id, query.email, limit, position)
        elif words:
            page = self._clients.by_name(org_id, words, limit, position)
        else:
            page = self._clients.page(org_id, limit, position)
        fitting = (each for each in page.items if _fits(each, query, words))
        return Page([shown(client) for client in fitting], page.position)

    def _number(self, org_id: str, text: str) -> str:
        # In a query string an unescaped + arrives as a space.
        written = f"+{text.strip()}" if text.startswith(" ") else text
        country = "" if written.startswith("+") else self._clients.read(org_id, "-").settings.country
        try:
            return self._phones.normalise(written, country)
        except InvalidValue as error:
            raise Invalid([Fault("/phone", error.code, str(error))]) from error

    def _put(
        self,
        caller: Caller,
        client_id: str,
        stated: Callable[[ClientView], ClientInput],
        attempt: Attempt | None,
        *,
        email: str | None,
        must_be_new: bool = False,
    ) -> tuple[ClientDocument, bool]:
        for _ in range(ROUNDS):
            view, now = self._clients.read(caller.org_id, client_id, email), self._clock.now()
            new = view.client is None or view.client.document.removed
            if must_be_new and not new:
                raise duplicate(client_id, "this id")
            change = self._change(caller, client_id, stated(view), view)
            document = shown(change.after)
            to_save = self._to_save(change, view, self._ids.ulid(now))
            if not to_save.differs:
                return document, False
            answer = attempt.answered(201, document) if attempt else None
            saved = self._clients.save(caller.org_id, to_save, now, answer)
            if saved.duplicate_of:
                raise duplicate(saved.duplicate_of, "this phone or e-mail")
            if saved.version:
                return document, new
        raise Contended(f"client {client_id} is being changed by others")

    def _to_save(self, change: Change, view: ClientView, entry_id: str) -> ClientChange:
        guarded = view.settings.prevent_duplicate_clients
        return ClientChange(change.before, change.after, guarded=guarded, entry=change.entry, entry_id=entry_id)

    def _change(self, caller: Caller, client_id: str, stated: ClientInput, view: ClientView) -> Change:
        """Work out the client after a call; what is not said stays, of a new client it is as the settings say."""
        phone = self._stated_phone(stated, view.settings)
        before = view.client.document if view.client else None
        was = before if before is not None and not before.removed else None
        profile = replace(
            before or Client(id=client_id),
            first_name=stated.first_name,
            last_name=stated.last_name,
            email=stated.email,
            phone=phone,
            locale=stated.locale,
            time_zone=stated.time_zone,
            tags=stated.tags,
            allow_shared_contact=stated.allow_shared_contact,
            removed=False,
            reach=_reach(before, stated.email, view),
        )
        consents, entry = self._consents(before, stated.consents, view.settings, caller)
        enrolled = stated.enrolled
        if enrolled is None:
            enrolled = was.enrolled if was is not None else view.settings.enrol_new_clients
        return Change(view.client, enrolment(replace(profile, consents=consents), view.settings, enrolled), entry)

    def _consents(
        self, before: Client | None, stated: Consents | None, settings: Settings, caller: Caller
    ) -> tuple[ConsentState, LedgerEntry | None]:
        now = self._clock.now()
        if before is None:
            return at_creation(settings, stated, caller.actor, now)
        if stated is None:
            return before.consents, None
        # A client that comes back keeps what it once said: a refusal outlives its removal.
        return stated_by(before.consents, differing(before.consents, stated), caller.actor, now, "/consents")

    def _stated_phone(self, stated: ClientInput, settings: Settings) -> str | None:
        try:
            return self._phones.normalise(stated.phone, settings.country) if stated.phone else None
        except InvalidValue as error:
            raise Invalid([Fault("/phone", error.code, str(error))]) from error


def existing(view: ClientView, client_id: str) -> Stored[Client]:
    """Give the client that was read; NotFound for one that is unknown or removed."""
    if view.client is None or view.client.document.removed:
        raise NotFound(f"there is no client {client_id!r}")
    return view.client


def enrolment(client: Client, settings: Settings, enrolled: bool) -> Client:
    """Enrol or unenrol; the first enrolment copies the organization's reminders, later ones find the copy."""
    reminders = list(settings.reminders) if enrolled and client.reminders is None else client.reminders
    return replace(client, enrolled=enrolled, reminders=reminders)


def _reach(before: Client | None, email: str | None, view: ClientView) -> Reach:
    """Mark an address that has come to be the client's as what holds against it says."""
    reach = before.reach if before is not None else Reach()
    if not email_changes(before, email):
        return reach
    refused = Refused(channel="email", reason=view.refusal, address=email) if view.refusal and email else None
    return reach_at(reach, "email", refused)


def duplicate(client_id: str, what: str) -> Conflict:
    """Refuse what another client has already."""
    return Conflict("duplicate_client", f"client {client_id!r} has {what} already")


def _fits(client: Client, query: ClientQuery, words: list[str]) -> bool:
    if query.phone and query.email and fold(client.email or "") != fold(query.email):
        return False
    own = fold(client.full_name).replace("#", " ").split()
    return all(any(name.startswith(word) for name in own) for word in words)
