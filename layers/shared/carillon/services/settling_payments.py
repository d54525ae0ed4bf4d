"""Settling top-ups: whatever Stripe says of one now, the ledger shows, once.

What wakes this (an event of Stripe, the sweep, the order itself) says only which top-up; what became of it is asked of
Stripe. So it doesn't matter how often or in which order events come, and one that never came is made up for.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from carillon.domain.channels import Bucket
from carillon.domain.errors import Contended
from carillon.domain.quota import Books, Credit, Exhausted
from carillon.domain.times import parse_instant
from carillon.domain.top_ups import Buyer, Facts, Reference, TopUp
from carillon.domain.values import value
from carillon.ports.billing import BillingStore, Payments
from carillon.ports.directory import Stored
from carillon.ports.system import Clock, Ids

ROUNDS = 12
UNPAID_FOR = timedelta(hours=1)
"""How long a charge of a saved payment method may take to begin: longer than any call that makes it runs."""


class Ledger(Protocol):
    """What of the port `Quota` this takes."""

    def books(self, org_id: str, bucket: Bucket) -> Books:
        """Read a bucket's counters."""

    def credit(self, org_id: str, bucket: Bucket, credit: Credit) -> bool:
        """Give units, or take them back; False when the credit's key was there before. Raises Exhausted."""

    def credited(self, org_id: str, bucket: Bucket, key: str) -> int | None:
        """Say how many units were credited by a key."""


@value
class Settling:
    """Has the ledger show what was paid."""

    store: BillingStore
    payments: Payments
    ledger: Ledger
    clock: Clock
    ids: Ids

    def take(self, reference: Reference) -> TopUp | None:
        """Settle what an event is about; None where that is nothing of ours."""
        org_id, top_up_id = reference.org_id, reference.top_up
        if (org_id is None or top_up_id is None) and reference.payment is not None:
            org_id, top_up_id = self.payments.whose(reference.payment) or (None, None)
        if org_id is None or top_up_id is None:
            return None
        return self.settle(org_id, top_up_id)

    def settle(self, org_id: str, top_up_id: str) -> TopUp | None:
        """Ask Stripe about a top-up, and bring top-up and ledger to where it is; None where there is none."""
        for _ in range(ROUNDS):
            stored = self.store.load(org_id, top_up_id)
            if stored is None:
                return None
            facts = self._facts(stored.document)
            top_up = stored.document
            wanted = replace(top_up, state=facts.state, target=facts.units(top_up.package.amount))
            if wanted == top_up or self.store.save(org_id, wanted, stored.version):
                self._keep_method(org_id, wanted, facts)
                settled = self._advance(org_id, top_up_id)
                if settled is not None and settled.applied > top_up.applied:
                    self._collect(org_id, settled)
                return settled
        raise Contended("the top-up is being changed by others")

    def _facts(self, top_up: TopUp) -> Facts:
        facts = self.payments.look_up(top_up)
        begun = parse_instant(top_up.created_at)
        if (
            facts.state == "open"
            and self.clock.now() - begun > UNPAID_FOR
            and (top_up.way == "charge" or not top_up.url)
        ):
            # Whoever ordered it is gone: nobody has its page's address, or nobody is charging it any more.
            self.payments.withdraw(top_up)
            facts = self.payments.look_up(top_up)
            return replace(facts, state="closed") if facts.state == "open" else facts
        return facts

    def _keep_method(self, org_id: str, top_up: TopUp, facts: Facts) -> None:
        """Remember the payment method that was saved; one that is gone is used once more and found out."""
        if facts.method is None or facts.state != "paid":
            return
        known = self.store.read(org_id).buyer
        if known is not None and known.customer == top_up.customer and known.method != facts.method:
            self.store.keep_buyer(org_id, Buyer(known.customer, known.details, facts.method))

    def _advance(self, org_id: str, top_up_id: str) -> TopUp | None:
        """Bring the ledger to where the top-up is to be, step by step."""
        for _ in range(ROUNDS):
            stored = self.store.load(org_id, top_up_id)
            if stored is None:
                return None
            top_up = stored.document
            if top_up.doing is not None:
                if not self._make(org_id, stored):
                    return top_up
                continue
            units = self._possible(org_id, top_up.package.bucket, top_up.target - top_up.applied)
            if not units:
                return top_up
            self.store.save(org_id, top_up.stepping(units), stored.version)
        raise Contended("the top-up is being changed by others")

    def _make(self, org_id: str, stored: Stored[TopUp]) -> bool:
        """Put the step into the ledger; False when nothing is left to take back, so it waits as it is.

        What the ledger has under the step's key is what counts, whoever put it there: it may be less than was meant,
        where units were used in between.
        """
        top_up = stored.document
        bucket, key = top_up.package.bucket, f"top_up:{top_up.id}:{top_up.step}"
        for _ in range(ROUNDS):
            made = self.ledger.credited(org_id, bucket, key)
            if made is not None:
                self.store.save(org_id, top_up.stepped(made), stored.version)
                return True
            units = self._possible(org_id, bucket, top_up.doing or 0)
            if not units:
                return False
            now = self.clock.now()
            reason = f"top_up:{top_up.id}" if units > 0 else f"top_up_returned:{top_up.id}"
            try:
                self.ledger.credit(org_id, bucket, Credit(key, self.ids.ulid(now), units, reason, now, _actor(top_up)))
            except Exhausted:
                continue  # some of it was used since
        raise Contended("the quota kept changing")

    def _possible(self, org_id: str, bucket: Bucket, units: int) -> int:
        """Say how much of a step can be made: no balance goes below zero."""
        return units if units >= 0 else -min(-units, self.ledger.books(org_id, bucket).left)

    def _collect(self, org_id: str, credited: TopUp) -> None:
        """Take what is still owed in a bucket that was given units just now."""
        for other_id in self.store.unsettled(org_id):
            stored = self.store.load(org_id, other_id) if other_id != credited.id else None
            if (
                stored is not None
                and stored.document.package.bucket == credited.package.bucket
                and stored.document.owed
            ):
                self._advance(org_id, other_id)


def _actor(top_up: TopUp) -> str | None:
    return top_up.actor.get("user") or top_up.actor.get("key_id")
