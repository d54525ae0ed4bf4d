"""Announcing posted events: a message for each client that one names, each once, however often this runs.

The messages' ids come from the event and the client. The event is marked as done last; until then the stream, a job or
the sweep does it again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from carillon.domain.clients import Client
from carillon.domain.decide import without
from carillon.domain.decisions import Account, Verdict
from carillon.domain.messages import Occasion
from carillon.domain.posted import PostedEvent, decide_posted, reference
from carillon.domain.quota import Exhausted
from carillon.domain.rules import RulesInForce
from carillon.domain.values import value
from carillon.ports.delivery import Connections
from carillon.ports.messages import Messages
from carillon.ports.posted import PostedEvents
from carillon.ports.queues import Queues, Ready
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.system import Clock
from carillon.services.facts import account_of
from carillon.services.making import MessageMaker
from carillon.services.storing import ready_alone
from carillon.services.waiting import hand_over

KEPT = timedelta(days=7)
"""How long after its deadline an event is kept: a message of it may still be looked up and written again."""
AT_ONCE = 100


@value
class Announcer:
    """Tells clients of posted events."""

    reader: Reader
    posted: PostedEvents
    messages: Messages
    queues: Queues
    connections: Connections
    maker: MessageMaker
    clock: Clock

    def follow(self, org_id: str, posted_id: str, clients: Sequence[str] = ()) -> int:
        """Tell everybody whom an event names; gives to how many something is on its way.

        `clients`: those it is known to name, which spares a second read.
        """
        snapshot = self._read(org_id, posted_id, clients)
        posted = snapshot.posted
        if posted is None:
            return 0
        if not set(posted.client_ids) <= set(clients):
            snapshot = self._read(org_id, posted_id, posted.client_ids)
        account = account_of(snapshot, self.connections, now=self.clock.now())
        if account is None:
            return 0
        named = (snapshot.clients.get(client_id) for client_id in posted.client_ids)
        found = {client.id: client for client in named if client is not None}
        rules = snapshot.rules
        told = (self._tell(org_id, posted_id, posted, client, account, rules) for client in found.values())
        ready = [each for of_one in told for each in of_one]
        hand_over(self.queues, ready, self.clock.now())
        deadline = posted.deadline(account.settings.time_zone)
        self.posted.done(org_id, posted_id, max(deadline, self.clock.now()) + KEPT)
        return len({each.key.recipient for each in ready})

    def again(self, org_id: str) -> int:
        """Ask for those that were left undone; gives how many."""
        left = self.posted.pending(org_id, AT_ONCE)
        for posted_id in left:
            self.queues.send_job({"kind": "announce", "o": org_id, "posted": posted_id})
        return len(left)

    def _read(self, org_id: str, posted_id: str, clients: Sequence[str]) -> Snapshot:
        want = Want(org_id, record=reference(posted_id), clients=tuple(clients), rules=True, texts=True)
        return self.reader.read([want])[0]

    def _tell(
        self, org_id: str, posted_id: str, posted: PostedEvent, client: Client, account: Account, rules: RulesInForce
    ) -> list[Ready]:
        verdict = decide_posted(posted, client, account, rules)
        return self._store(org_id, posted_id, posted, verdict, account) if verdict is not None else []

    def _store(
        self, org_id: str, posted_id: str, posted: PostedEvent, verdict: Verdict, account: Account
    ) -> list[Ready]:
        now, settings = self.clock.now(), account.settings
        occasion, deadline = Occasion("", kind="posted", id=posted_id), posted.deadline(settings.time_zone)
        if now >= deadline and verdict.send:
            recipient, template = verdict.recipient, verdict.template
            made = [self.maker.refuse(org_id, occasion, recipient, template, "too_late", deadline, now)]
        else:
            made = self.maker.make(org_id, occasion, verdict, deadline=deadline, now=now)
        ready = []
        for message in made:
            try:
                self.messages.create(org_id, message, retention_days=settings.retention_days)
            except Exhausted as error:
                return self._store(org_id, posted_id, posted, without(verdict, error.bucket), account)
            if message.status == "queued" and message.channel is not None:
                ready.append(replace(ready_alone(org_id, message), client_id=message.client_id or ""))
        return ready
