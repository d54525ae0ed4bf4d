"""Existing clients brought to today's reminders: their copies stay as they are until somebody asks for this."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from carillon.domain.clients import Client
from carillon.domain.constraints import Items, Slug, document
from carillon.domain.errors import Contended, Fault, Invalid, NotFound
from carillon.domain.settings import MAX_REMINDERS, Reminder
from carillon.domain.values import value
from carillon.ports.directory import ClientChange, ClientParts, Clients, SettingsStore, Stored
from carillon.ports.system import Clock

ROUNDS = 4
TIME = timedelta(seconds=22)
"""How long one call goes on: a door is cut off after 29 s. A repeated call goes on with whom this one didn't reach."""


@document
class ApplyInput:
    """`keys`: which of the organization's reminders; `include_custom`: also over what was set for a client alone.

    `dry_run`: count, and change nothing.
    """

    keys: Annotated[list[Slug], Items(max=MAX_REMINDERS, min=1)]
    include_custom: bool = False
    dry_run: bool = False


@document
class Applied:
    """How many clients changed (or would), and how many were left as they are because they have their own."""

    changed: int
    skipped_custom: int


@value
class Order:
    """What one call is to do, and until when."""

    org_id: str
    defaults: Mapping[str, Reminder]
    keys: Collection[str]
    include_custom: bool
    dry_run: bool
    until: datetime


class Applying:
    """Applies the organization's reminders to clients; their plans follow by the stream."""

    def __init__(self, settings: SettingsStore, parts: ClientParts, clients: Clients, clock: Clock) -> None:
        self._settings = settings
        self._parts = parts
        self._clients = clients
        self._clock = clock

    def apply(self, org_id: str, stated: ApplyInput) -> Applied:
        """Bring every client that has a copy to today's defaults for the keys.

        Whoever is there already is left alone, so a repeated call does the rest. Raises Invalid for a key that the
        organization doesn't have, Contended when time ran out.
        """
        stored = self._settings.load(org_id)
        if stored is None:
            raise NotFound("there is no such organization")
        defaults = {reminder.key: reminder for reminder in stored.document.reminders}
        unknown = [
            Fault(f"/keys/{place}", "unknown_reference", f"there is no reminder {key!r} in the settings")
            for place, key in enumerate(stated.keys)
            if key not in defaults
        ]
        if unknown:
            raise Invalid(unknown)
        until = self._clock.now() + TIME
        order = Order(org_id, defaults, set(stated.keys), stated.include_custom, stated.dry_run, until)
        parts = self._parts.parts(org_id)
        with ThreadPoolExecutor(max_workers=len(parts)) as threads:
            counted = list(threads.map(lambda pages: self._part(order, pages), parts))
        return Applied(changed=sum(each[0] for each in counted), skipped_custom=sum(each[1] for each in counted))

    def _part(self, order: Order, pages: Iterable[Sequence[Stored[Client]]]) -> tuple[int, int]:
        changed = skipped = 0
        for page in pages:
            if self._clock.now() >= order.until:
                raise Contended("there are more clients than one call reaches; repeat it, what is done stays done")
            wanted = [each for each in page if each.document.reminders is not None]
            skipped += sum(_left_alone(each.document, order) for each in wanted)
            afters = [(each, applied(each.document, order)) for each in wanted if not _left_alone(each.document, order)]
            changes = [ClientChange(each, after, guarded=False) for each, after in afters if after != each.document]
            changed += len(changes)
            if changes and not order.dry_run:
                for place in self._parts.save_documents(order.org_id, changes):
                    changed -= not self._again(order, changes[place].after.id)
        return changed, skipped

    def _again(self, order: Order, client_id: str) -> bool:
        """Change a client that somebody else changed meanwhile; False when there is nothing to change any more."""
        for _ in range(ROUNDS):
            before = self._clients.read(order.org_id, client_id).client
            if before is None or before.document.removed or before.document.reminders is None:
                return False
            if _left_alone(before.document, order):
                return False
            after = applied(before.document, order)
            if after == before.document:
                return False
            if not self._parts.save_documents(order.org_id, [ClientChange(before, after, guarded=False)]):
                return True
        raise Contended(f"client {client_id} is being changed by others")


def applied(client: Client, order: Order) -> Client:
    """Give a client today's defaults for the keys; its other reminders stay.

    Where there is no room for a key that the client lacks, those that the organization has no more make it.
    """
    own = {reminder.key: reminder for reminder in client.reminders or []}
    merged = own | {key: order.defaults[key] for key in order.defaults if key in order.keys}
    for key in [key for key in merged if key not in order.defaults][: max(0, len(merged) - MAX_REMINDERS)]:
        del merged[key]
    reminders = list(merged.values())[:MAX_REMINDERS]
    same = client.custom and {reminder.key: reminder for reminder in reminders} == dict(order.defaults)
    return replace(client, reminders=reminders, custom=client.custom and not same)


def _left_alone(client: Client, order: Order) -> bool:
    return client.custom and not order.include_custom
