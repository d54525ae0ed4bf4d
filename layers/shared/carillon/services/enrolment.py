"""Enrolment and a client's own reminders; both hidden while notifications are inactive."""

from collections.abc import Callable
from dataclasses import field, replace
from typing import Literal

from carillon.domain.clients import Client
from carillon.domain.codec import Json, dumps, to_data
from carillon.domain.constraints import document
from carillon.domain.errors import Contended, Fault, Forbidden, Invalid, PreconditionFailed
from carillon.domain.idempotency import Attempt, StoredAnswer
from carillon.domain.ids import digest
from carillon.domain.organizations import Caller, Organization
from carillon.domain.settings import OwnReminders, Settings
from carillon.domain.values import value
from carillon.ports.directory import ClientChange, Clients
from carillon.ports.system import Clock
from carillon.services.client_documents import ClientDocument, shown
from carillon.services.clients import enrolment, existing
from carillon.services.settings import CHANGED, SaveWarning, quiet_warnings

ROUNDS = 8
Origin = Literal["defaults", "custom"]


@document
class Preferences:
    """A client's own reminders; `origin` tells whether they were ever edited (read-only)."""

    reminders: OwnReminders
    origin: Origin | None = None


@document
class SavedPreferences(Preferences):
    """Preferences as saved; `warnings` come in the answer of a PUT only."""

    warnings: list[SaveWarning] = field(default_factory=list)


@value
class Versioned:
    """Preferences with their version."""

    preferences: Preferences
    version: str


class Enrolment:
    """Use cases on enrolment and preferences."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock

    def enrol(self, caller: Caller, client_id: str, attempt: Attempt | None) -> ClientDocument:
        """Enrol; the first time with a copy of the organization's reminders, again with the copy it had."""

        def change(client: Client, settings: Settings) -> Client:
            return enrolment(client, settings, enrolled=True)

        return shown(self._change(caller, client_id, change, lambda c: answered(attempt, shown(c)))[0])

    def unenrol(self, caller: Caller, client_id: str) -> None:
        """Unenrol; the client's reminders are kept for when it comes back."""
        self._change(caller, client_id, lambda client, settings: enrolment(client, settings, enrolled=False))

    def read(self, org_id: str, client_id: str) -> Versioned:
        """Give a client's preferences; of one that was never enrolled, those that it would get."""
        view = self._clients.read(org_id, client_id)
        open_only(view.organization)
        return _versioned(existing(view, client_id).document, view.settings)

    def save(
        self, caller: Caller, client_id: str, read: Callable[[Json], Preferences], version: str | None
    ) -> tuple[SavedPreferences, str]:
        """Save a client's own reminders over `version` (None: any); `read` makes them from those of now.

        Raises Invalid, PreconditionFailed (`version_conflict`).
        """

        def change(client: Client, settings: Settings) -> Client:
            now = _versioned(client, settings)
            stated = read(to_data(now.preferences))
            if version is not None and version != now.version:
                raise PreconditionFailed("version_conflict", CHANGED)
            if stated.origin not in (None, now.preferences.origin):
                raise Invalid([Fault("/origin", "read_only", "says whether the reminders were edited; leave it")])
            if stated.reminders == now.preferences.reminders:
                return client
            return replace(client, reminders=stated.reminders, custom=True)

        client, settings = self._change(caller, client_id, change)
        saved = _versioned(client, settings)
        warnings = quiet_warnings(saved.preferences.reminders, settings.quiet_hours)
        document = SavedPreferences(
            reminders=saved.preferences.reminders, origin=saved.preferences.origin, warnings=warnings
        )
        return document, saved.version

    def reset(self, caller: Caller, client_id: str, attempt: Attempt | None) -> Versioned:
        """Copy the organization's reminders of today."""

        def change(client: Client, settings: Settings) -> Client:
            return replace(client, reminders=list(settings.reminders), custom=False)

        def remember(client: Client) -> StoredAnswer | None:
            own = Preferences(reminders=client.reminders or [], origin="defaults")
            return attempt.answered(200, own, _version(own)) if attempt else None

        client, settings = self._change(caller, client_id, change, remember)
        return _versioned(client, settings)

    def _change(
        self,
        caller: Caller,
        client_id: str,
        change: Callable[[Client, Settings], Client],
        remember: Callable[[Client], StoredAnswer | None] = lambda _: None,
    ) -> tuple[Client, Settings]:
        for _ in range(ROUNDS):
            view, now = self._clients.read(caller.org_id, client_id), self._clock.now()
            open_only(view.organization)
            stored = existing(view, client_id)
            after = change(stored.document, view.settings)
            answer = remember(after)
            if after == stored.document and answer is None:
                return after, view.settings
            saved = self._clients.save(caller.org_id, ClientChange(stored, after, guarded=False), now, answer)
            if saved.version:
                return after, view.settings
        raise Contended(f"client {client_id} is being changed by others")


def open_only(organization: Organization) -> None:
    """Refuse what is hidden until notifications are active."""
    if not organization.active:
        raise Forbidden("notifications_inactive", "activate the notifications integration first")


def answered(attempt: Attempt | None, document: object) -> StoredAnswer | None:
    """Give the answer to remember, if the call may be repeated."""
    return attempt.answered(200, document) if attempt else None


def _versioned(client: Client, settings: Settings) -> Versioned:
    reminders = settings.reminders if client.reminders is None else client.reminders
    preferences = Preferences(reminders=list(reminders), origin="custom" if client.custom else "defaults")
    return Versioned(preferences, _version(preferences))


def _version(preferences: Preferences) -> str:
    return digest(dumps(preferences))[:16]
