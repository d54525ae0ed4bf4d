"""Suppressing: an address that bounced for good, or whose owner complained, is not written to again.

Only by the organization whose mail it was. What is known is stored first and lies by itself, so it outlives the
person's document and finds whoever comes with the address again; then everyone is marked who has the address now,
because that is where decisions look. Each step may be repeated, and the report that started it comes again until all
are done.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.consents import Changed
from carillon.domain.errors import Contended
from carillon.domain.organizations import Organization
from carillon.domain.reach import Reach, Refusal, Refused
from carillon.domain.suppressions import (
    named_in,
    organization_with,
    organization_without,
    reach_with,
    reach_without,
)
from carillon.ports.directory import Clients, Organizations, SettingsStore, StaffStore, Stored
from carillon.ports.suppressions import Suppressions
from carillon.ports.system import Clock, Ids
from carillon.services.client_editing import ClientEditing

ROUNDS = 8
PAGE = 100
OfReach = Callable[[Reach], Reach]
OfOrganization = Callable[[Organization], Organization]


class Suppressing:
    """Use cases on suppressed e-mail addresses."""

    def __init__(
        self,
        suppressions: Suppressions,
        clients: Clients,
        staff: StaffStore,
        organizations: Organizations,
        settings: SettingsStore,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._suppressions = suppressions
        self._clients = clients
        self._staff = staff
        self._organizations = organizations
        self._settings = settings
        self._clock = clock
        self._editing = ClientEditing(clients, clock, ids)

    def refuse(self, org_id: str, channel: Channel, address: str, reason: Refusal, at: datetime) -> Refusal | None:
        """Have an address not written to again after a report about mail that was sent at an instant.

        Gives what holds against it; None if it was seen to since.
        """
        holds = self._suppressions.note(org_id, channel, address, reason, at)
        if holds is not None:
            refused = Refused(channel=channel, reason=holds, address=address)
            self._mark(
                org_id,
                address,
                lambda reach: reach_with(reach, refused),
                lambda organization: organization_with(organization, refused),
            )
        return holds

    def lift(self, org_id: str, channel: Channel, address: str, *, by_owner: bool = False) -> Refusal | None:
        """Let a bounced address be written to again; gives what holds against it still.

        A complaint does, unless its owner takes it back.
        """
        holds = self._suppressions.lift(org_id, channel, address, self._clock.now(), by_owner=by_owner)
        if holds is None:
            self._mark(
                org_id,
                address,
                lambda reach: reach_without(reach, channel, address),
                lambda organization: organization_without(organization, channel, address),
            )
        return holds

    def _mark(self, org_id: str, address: str, of_reach: OfReach, of_organization: OfOrganization) -> None:
        """Change everyone who has an address: clients, staff, and the organization for those its settings name."""
        position = None
        while True:
            page = self._clients.by_email(org_id, address, PAGE, position)
            for client in page.items:
                self._client(org_id, client.id, address, of_reach)
            position = page.position
            if position is None:
                break
        position = None
        while True:
            members = self._staff.page(org_id, PAGE, position)
            for member in members.items:
                if _has(member, address):
                    self._member(org_id, member.id, address, of_reach)
            position = members.position
            if position is None:
                break
        settings = self._settings.load(org_id)
        if settings is not None and named_in(settings.document, address):
            self._organization(org_id, of_organization)

    def _client(self, org_id: str, client_id: str, address: str, change: OfReach) -> None:
        def mark(client: Client) -> Changed:
            return Changed(replace(client, reach=change(client.reach)) if _has(client, address) else client)

        self._editing.edit(org_id, client_id, mark)

    def _member(self, org_id: str, staff_id: str, address: str, change: OfReach) -> None:
        for _ in range(ROUNDS):
            stored = self._staff.load(org_id, staff_id)
            if stored is None or not _has(stored.document, address):
                return
            after = replace(stored.document, reach=change(stored.document.reach))
            if after == stored.document or self._staff.save(org_id, Stored(after, stored.version), self._clock.now()):
                return
        raise Contended("a member of staff with the address is being changed by others")

    def _organization(self, org_id: str, change: OfOrganization) -> None:
        for _ in range(ROUNDS):
            found = self._organizations.load(org_id)
            if not found:
                return
            after = change(found[0].document)
            if after == found[0].document or self._organizations.save(
                [Stored(after, found[0].version)], self._clock.now()
            ):
                return
        raise Contended("the organization is being changed by others")


def _has(person: Client | Staff, address: str) -> bool:
    return (person.email or "").casefold() == address.casefold()
