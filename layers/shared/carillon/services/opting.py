"""Opt-outs: the person's own word binds everyone, takes effect on the very next send, and is kept as proof.

It lies where every decision looks: with the client, the member of staff, or the organization (for the addresses of its
settings). What is queued is checked again just before it is sent, so nothing has to be taken off a queue.
"""

from datetime import datetime

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, Staff
from carillon.domain.consents import Opt
from carillon.domain.errors import Contended
from carillon.domain.opting import address_opted, client_opted, opt_entry, role_address, staff_opted
from carillon.domain.organizations import Organization
from carillon.ports.opting import Holder, OptStore
from carillon.ports.system import Clock, Ids

ROUNDS = 8


class Opting:
    """Use cases on opt-outs. `recipient` is a message's (`c:42`, `s:7`, `r:manager#<day>`)."""

    def __init__(self, store: OptStore, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    def out(
        self,
        org_id: str,
        recipient: str,
        channel: Channel,
        *,
        source: str,
        wording: str | None = None,
        at: datetime | None = None,
    ) -> bool:
        """Opt someone out of a channel; True if that changed something. May be repeated.

        `source` says how it was heard (`whatsapp_reply`, `twilio_63014`), `wording` holds the person's words. `at`:
        when it was said, where that is not now; it is passed over if he has said something else since.
        """
        return self._say(org_id, recipient, channel, "out", source, wording, at)

    def back(
        self,
        org_id: str,
        recipient: str,
        channel: Channel,
        *,
        source: str,
        wording: str | None = None,
        at: datetime | None = None,
    ) -> bool:
        """Take an opt-out back; True if there was one. It never makes more consent than there was before."""
        return self._say(org_id, recipient, channel, "back", source, wording, at)

    def _say(
        self,
        org_id: str,
        recipient: str,
        channel: Channel,
        opt: Opt,
        source: str,
        wording: str | None,
        at: datetime | None,
    ) -> bool:
        for _ in range(ROUNDS):
            holder, now = self._store.holder(org_id, recipient), self._clock.now()
            if holder is None:
                return False
            said = at or now
            after = _after(holder, channel, opt, said)
            if after is None or after == holder.document:
                return False
            service = not isinstance(after, Client) or after.consents.service.get(channel, False)
            entry = opt_entry(channel, opt, service, at=said, source=source, actor=holder.ref, wording=wording)
            if self._store.save(org_id, holder, after, entry, self._ids.ulid(now)):
                return True
        raise Contended("who opts out is being changed by others")


def _after(holder: Holder, channel: Channel, opt: Opt, at: datetime) -> Client | Staff | Organization | None:
    """Give him as he is after his word; None where he has no address on the channel."""
    document = holder.document
    if isinstance(document, Client):
        return client_opted(document, channel, opt, at)
    if isinstance(document, Staff):
        return staff_opted(document, channel, opt, at)
    role = holder.ref.removeprefix("r:")
    address = role_address(holder.settings, role, channel) if holder.settings is not None else None
    return address_opted(document, channel, address, opt, at) if address is not None else None
