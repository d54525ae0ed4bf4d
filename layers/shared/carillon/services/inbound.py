"""What people write back: kept for the organization, opens WhatsApp's window, and may opt out of the channel.

Each step may be repeated, and a reply that its provider brings twice is one: it is known by the provider's id. What
follows from an opt-out is done before the reply counts as settled; one that isn't is found by the sweep.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from carillon.domain.answers import answer_to
from carillon.domain.channels import CHANNELS
from carillon.domain.clients import Client
from carillon.domain.consents import Changed
from carillon.domain.messages import REACHED, Message, MessageFilter
from carillon.domain.opt_words import opt_of
from carillon.domain.organizations import Organization
from carillon.domain.quota import Exhausted, is_metered
from carillon.domain.reach import Conversation, Reach
from carillon.domain.recipients import Recipient, client_recipient, role_recipient, staff_recipient
from carillon.domain.replies import KEPT, WORDING, Reply, StoredReply, neutral
from carillon.domain.settings import Settings
from carillon.domain.spellings import spellings
from carillon.domain.times import iso, parse_instant
from carillon.domain.values import value
from carillon.ports.directory import Clients
from carillon.ports.messages import Messages
from carillon.ports.queues import Queues
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.replies import AddressBook, Replies
from carillon.ports.suppressions import AddressMarks
from carillon.ports.system import Clock, Ids
from carillon.services.client_editing import ClientEditing
from carillon.services.opting import Opting
from carillon.services.storing import ready_alone

__all__ = ["Inbound", "Reply", "Taken"]

PATIENCE = timedelta(minutes=1)
"""How long a reply's taker may be at work."""
AT_ONCE = 100
"""How many replies one sweep mends."""
LAST = 20
"""How many of a person's latest messages are looked at for the one that a reply answers."""
NOTED_EVERY = timedelta(minutes=10)
"""A second reply so soon moves the window too little to be worth a write."""


@value
class Taken:
    """What became of a reply, for the log.

    `nowhere`: the organization is gone. `repeated`: it was taken before. `id` and `client_id` are ours.
    """

    result: Literal["stored", "repeated", "nowhere"]
    id: str | None = None
    client_id: str | None = None
    opt: str | None = None


class Inbound:
    """Takes replies. The organization is known already: by the bot or number they came to, or by who wrote last."""

    def __init__(
        self,
        replies: Replies,
        addresses: AddressBook,
        reader: Reader,
        clients: Clients,
        messages: Messages,
        queues: Queues,
        opting: Opting,
        clock: Clock,
        ids: Ids,
        marks: AddressMarks | None = None,
    ) -> None:
        self._marks = marks
        self._replies = replies
        self._addresses = addresses
        self._reader = reader
        self._editing = ClientEditing(clients, clock, ids)
        self._messages = messages
        self._queues = queues
        self._opting = opting
        self._clock = clock
        self._ids = ids

    def take(self, org_id: str, reply: Reply) -> Taken:
        """Take one reply; whatever raises may be repeated."""
        client_ids = self._addresses.clients(org_id, reply.channel, reply.address)
        snapshot = self._reader.read([Want(org_id, clients=tuple(client_ids))])[0]
        if snapshot.organization is None or snapshot.organization.deleted or snapshot.settings is None:
            return Taken("nowhere")
        self._note(org_id, snapshot, reply)
        mine = self._kept(org_id, snapshot, reply)
        stored = self._replies.put(org_id, mine)
        if stored.settled and stored.id != mine.id:
            return Taken("repeated", stored.id, stored.client_id, stored.opt)
        if not stored.settled:
            self._settle(org_id, stored, snapshot, new=stored.id == mine.id)
        return Taken("stored", stored.id, stored.client_id, stored.opt)

    def mend(self, org_id: str) -> int:
        """Do what follows from replies whose taker died in the middle; gives their number."""
        late = self._clock.now() - PATIENCE
        waiting = [reply for reply in self._replies.unsettled(org_id, AT_ONCE) if reply.at <= late]
        for reply in waiting:
            self.resume(org_id, reply.key)
        return len(waiting)

    def resume(self, org_id: str, key: str) -> None:
        """Do what follows from one; nothing for one that is settled."""
        stored = self._replies.get(org_id, key)
        if stored is None or stored.settled:
            return
        client_ids = self._addresses.clients(org_id, stored.channel, stored.address)
        snapshot = self._reader.read([Want(org_id, clients=tuple(client_ids))])[0]
        self._settle(org_id, stored, snapshot, new=False)

    def _kept(self, org_id: str, snapshot: Snapshot, reply: Reply) -> StoredReply:
        opt = opt_of(reply.text)
        last = self._last(org_id, snapshot.clients, reply)
        client = last[0] if last is not None else next(iter(snapshot.clients.values()), None)
        return StoredReply(
            id=self._ids.ulid(self._clock.now()),
            key=reply.key,
            channel=reply.channel,
            address=reply.address,
            text=neutral(reply.text),
            at=reply.at,
            client_id=client.id if client is not None else None,
            in_reply_to=last[1].id if last is not None else None,
            record=(last[1].occasion.record or None) if last is not None else None,
            opt=opt,
            confirm=opt is not None and not reply.answered,
            settled=opt is None,
        )

    def _last(self, org_id: str, clients: Mapping[str, Client], reply: Reply) -> tuple[Client, Message] | None:
        """Find the message that a reply most probably answers: the latest that reached whoever has the address."""
        found = []
        for client in clients.values():
            wanted = MessageFilter(
                channel=reply.channel, client_id=client.id, former=tuple(client.merged), since=reply.at - KEPT
            )
            page = self._messages.page(org_id, wanted, limit=LAST, position=None, now=self._clock.now())
            found += [(each.id, client, each) for each in page.items if each.status in REACHED][:1]
        return max(found, key=lambda each: each[0])[1:] if found else None

    def _settle(self, org_id: str, stored: StoredReply, snapshot: Snapshot, *, new: bool) -> None:
        """Do what a reply asks for: note it with everyone who has the address, and confirm it once.

        The confirmation is stored before and queued after, so that it is there if and only if the word is kept.
        """
        organization, settings, opt = snapshot.organization, snapshot.settings, stored.opt
        if organization is None or settings is None or opt is None:
            return
        people = self._people(org_id, stored, snapshot, organization, settings)
        news = [person for person in people if (stored.channel in person.opted_out) == (opt == "back")]
        now = self._clock.now()
        answer = answer_to(org_id, stored, people[0], now, self._ids.ulid(now)) if people else None
        if stored.confirm and answer is not None and news:
            answer = self._keep(org_id, answer, organization, settings)
        say = self._opting.out if opt == "out" else self._opting.back
        source, wording = f"{stored.channel}_reply", neutral(stored.text, WORDING)
        for person in people:
            say(org_id, person.ref, stored.channel, source=source, wording=wording, at=stored.at)
        if self._marks is not None and CHANNELS[stored.channel].address == "phone":
            # Whoever is met under this number later, as the contact of a lead, has said so too.
            for address in spellings(stored.address):
                self._marks.said(org_id, stored.channel, address, opt, stored.at)
        if stored.confirm and answer is not None and (news or (not new and self._is_stored(org_id, answer))):
            self._queues.send_ready([ready_alone(org_id, answer)])
        self._replies.settle(org_id, stored)

    def _keep(self, org_id: str, answer: Message, organization: Organization, settings: Settings) -> Message | None:
        """Store the confirmation, which has one part; without quota for it the word is kept all the same."""
        units = 1 if is_metered(organization, answer.channel) else 0
        try:
            self._messages.create(org_id, replace(answer, units=units), retention_days=settings.retention_days)
        except Exhausted:
            return None
        return answer

    def _is_stored(self, org_id: str, answer: Message) -> bool:
        found = self._reader.read([Want(org_id, messages=(answer.key,))])[0].messages.get(answer.key)
        return found is not None and found.status == "queued"

    def _people(
        self, org_id: str, stored: StoredReply, snapshot: Snapshot, organization: Organization, settings: Settings
    ) -> list[Recipient]:
        """Name everyone with the address the reply came from: it speaks for all of them."""
        known: list[Recipient | None] = [client_recipient(client, settings) for client in snapshot.clients.values()]
        staff = self._reader.all_staff(org_id).values()
        known += [staff_recipient(member, "collaborator", settings) for member in staff]
        roles: tuple[Literal["manager", "owner"], ...] = ("manager", "owner")
        known += [role_recipient(role, f"r:{role}", settings, organization) for role in roles]
        spelt, kind = spellings(stored.address), CHANNELS[stored.channel].address
        return [person for person in known if person is not None and person.addresses.get(kind) in spelt]

    def _note(self, org_id: str, snapshot: Snapshot, reply: Reply) -> None:
        """Note with each client that it wrote."""

        def wrote(client: Client) -> Changed:
            return Changed(replace(client, reach=_written(client.reach, reply) or client.reach))

        for client in snapshot.clients.values():
            self._editing.edit(org_id, client.id, wrote)


def _written(reach: Reach, reply: Reply) -> Reach | None:
    """Give the ways to a person after a reply; None where that is no news."""
    last, now = reach.replied_at.get(reply.channel), Conversation(address=reply.address, to=reply.to)
    same = reach.conversations.get(reply.channel) == now
    if last is not None and reply.at < parse_instant(last) + (NOTED_EVERY if same else timedelta()):
        return None
    return replace(
        reach,
        replied_at={**reach.replied_at, reply.channel: iso(reply.at)},
        conversations={**reach.conversations, reply.channel: now},
    )
