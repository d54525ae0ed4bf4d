"""Messages as stored: each move one conditional write. The table and the fake keep the same promises."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.domain.ids import ulid
from carillon.domain.messages import LEASE, MOVES, Message
from carillon.ports.messages import Claim, Moved
from tests.builders import NOW, event_occasion, message, reminder_occasion
from tests.fake_messages import MemoryMessages
from tests.fakes import Account, MemoryReader
from tests.message_store import OWNER, Store
from tests.tables import CountingTable, table_on_moto


@pytest.fixture(scope="module")
def table() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        yield made


@pytest.fixture(params=["table", "memory"])
def store(request: pytest.FixtureRequest, table: CountingTable) -> Store:
    if request.param == "memory":
        account = Account()
        return Store(MemoryMessages(account), MemoryReader(account))
    return Store(DynamoMessages(table), DynamoReader(table))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"occasion": event_occasion(version=7)},
        {
            "channel": None,
            "status": "suppressed",
            "reason": "no_address",
            "to": None,
            "tried": (("sms", "no_address"),),
        },
        {"recipient": "s:s1", "audience": "collaborator"},
        {"tried": (("whatsapp", "unreachable"), ("sms", "opted_out"))},
    ],
)
def test_a_message_comes_back_as_it_was_stored(store: Store, changes: dict[str, Any]) -> None:
    made = store.put(**changes)
    assert store.at(made) == made


def test_a_message_is_stored_once(store: Store) -> None:
    made = store.put()
    assert not store.messages.create(store.o, replace(made, id="other", to="b@example.com"), retention_days=90)
    assert store.at(made) == made


def test_another_organization_has_its_own(store: Store) -> None:
    made = store.put()
    assert store.messages.create(f"{store.o}~test", made, retention_days=90)
    assert store.messages.withdraw(store.o, made, Moved("cancelled", NOW))
    assert store.messages.claim(f"{store.o}~test", made, Claim(OWNER, NOW, "x", 1))


def test_a_claim_holds_for_its_owner_under_a_lease(store: Store) -> None:
    held = store.claimed()
    assert (held.status, held.owner, held.lease_until, held.attempt, held.to) == (
        "sending",
        OWNER,
        NOW + LEASE,
        1,
        "to@example.com",
    )


def test_only_one_of_two_claims_wins(store: Store) -> None:
    made = store.put()
    claims = [store.messages.claim(store.o, made, Claim(owner, NOW, "x", 1)) for owner in ("one", "two")]
    assert claims == [True, False]
    held = store.at(made)
    assert held is not None
    assert held.owner == "one"


def test_a_claim_on_what_was_read_before_another_attempt_fails(store: Store) -> None:
    held = store.claimed()
    later = Moved("queued", NOW, "Throttling", not_before=NOW + timedelta(seconds=30))
    assert store.messages.finish(store.o, held, later, owner=OWNER)
    stale = replace(held, attempt=0)
    assert not store.messages.claim(store.o, stale, Claim("late", NOW, "x", 1))
    fresh = store.at(held)
    assert fresh is not None
    assert (fresh.attempt, fresh.not_before, fresh.owner) == (1, NOW + timedelta(seconds=30), None)
    assert store.messages.claim(store.o, fresh, Claim("next", NOW, "x", 1))


@pytest.mark.parametrize(("rendered_from", "taken"), [(1, False), (2, False), (3, True), (4, True)])
def test_a_message_bound_to_a_version_goes_only_with_that_or_a_newer_one(
    store: Store, rendered_from: int, taken: bool
) -> None:
    made = store.put()
    assert store.messages.require(store.o, made.key, 3)
    assert store.messages.claim(store.o, made, Claim(OWNER, NOW, "x", rendered_from)) == taken


def test_a_binding_stays_known_after_the_message_has_gone_and_is_never_loosened(store: Store) -> None:
    made = store.put()
    assert store.messages.require(store.o, made.key, 3)
    assert store.messages.require(store.o, made.key, 2), "a newer version carries the older one too"
    assert not store.messages.claim(store.o, made, Claim(OWNER, NOW, "x", 2))
    assert store.messages.claim(store.o, made, Claim(OWNER, NOW, "x", 3))
    assert store.messages.require(store.o, made.key, 3), "a planner that died and starts again finds it bound"
    assert not store.messages.require(store.o, made.key, 4)


@pytest.mark.parametrize("status", ["queued", "sending", "sent", "unknown", "suppressed"])
def test_only_what_waits_can_be_bound_claimed_or_withdrawn(store: Store, status: str) -> None:
    made = store.put(status=status)
    waiting = status == "queued"
    assert store.messages.require(store.o, made.key, 1) == waiting
    assert store.messages.claim(store.o, replace(made, attempt=9), Claim("o", NOW, "x", 1)) == waiting
    if not waiting:
        assert not store.messages.withdraw(store.o, made, Moved("cancelled", NOW))


def test_what_was_never_stored_can_be_neither_bound_nor_moved(store: Store) -> None:
    ghost = message()
    assert not store.messages.require(store.o, ghost.key, 1)
    assert not store.messages.claim(store.o, ghost, Claim(OWNER, NOW, "x", 1))
    assert not store.messages.withdraw(store.o, ghost, Moved("cancelled", NOW))
    assert not store.messages.finish(store.o, ghost, Moved("sent", NOW), owner=OWNER)
    for status in ("delivered", "failed"):
        assert not store.messages.receipt(store.o, ghost.key, Moved(status, NOW))
    assert store.at(ghost) is None


def test_an_outcome_is_its_owners_to_write(store: Store) -> None:
    held = store.claimed()
    assert not store.messages.finish(store.o, held, Moved("sent", NOW), owner="someone else")
    sent = Moved("sent", NOW + timedelta(seconds=1), provider_id="SM1", parts=2)
    assert store.messages.finish(store.o, held, sent, owner=OWNER)
    assert not store.messages.finish(store.o, held, sent, owner=OWNER)
    after = store.at(held)
    assert after is not None
    assert (after.status, after.provider_id, after.parts, after.owner, after.lease_until) == (
        "sent",
        "SM1",
        2,
        None,
        None,
    )
    assert [entry[1:] for entry in after.timeline] == [("queued", None), ("sending", None), ("sent", None)]
    assert after.timeline[-1][0] == NOW + timedelta(seconds=1)


def test_a_failure_is_written_together_with_what_follows(store: Store) -> None:
    held = store.claimed()
    following = message(reminder_occasion(), "sms", id=ulid(NOW, bytes(10)))
    failed = Moved("failed", NOW, "unreachable")
    assert store.messages.finish(store.o, held, failed, owner=OWNER, then=following)
    assert store.at(following) == following
    after = store.at(held)
    assert after is not None
    assert (after.status, after.reason) == ("failed", "unreachable")


def test_what_follows_may_exist_already(store: Store) -> None:
    held = store.claimed()
    following = store.put(channel="sms", id=ulid(NOW, bytes(10)))
    failed = Moved("failed", NOW, "unreachable")
    assert store.messages.finish(store.o, held, failed, owner=OWNER, then=replace(following, to="other"))
    assert store.at(following) == following
    after = store.at(held)
    assert after is not None
    assert after.status == "failed"


def test_nothing_follows_an_outcome_that_was_not_this_owners(store: Store) -> None:
    held = store.claimed()
    following = message(reminder_occasion(), "sms")
    assert not store.messages.finish(store.o, held, Moved("failed", NOW, "x"), owner="other", then=following)
    assert store.at(following) is None


@pytest.mark.parametrize(("later", "given_up"), [(LEASE - timedelta(seconds=1), False), (LEASE, True)])
def test_a_claim_is_given_up_when_its_lease_is_over(store: Store, later: timedelta, given_up: bool) -> None:
    held = store.claimed()
    assert store.messages.abandon(store.o, held, Moved("unknown", NOW + later, "connection_lost")) == given_up
    after = store.at(held)
    assert after is not None
    assert after.status == ("unknown" if given_up else "sending")


def test_a_claim_that_was_made_anew_is_not_given_up_for_the_old_one(store: Store) -> None:
    held = store.claimed()
    later = NOW + timedelta(hours=1)
    assert store.messages.finish(store.o, held, Moved("queued", NOW, not_before=later), owner=OWNER)
    fresh = store.at(held)
    assert fresh is not None
    assert store.messages.claim(store.o, fresh, Claim("new", later, "x", 1))
    assert not store.messages.abandon(store.o, held, Moved("unknown", later + timedelta(days=1)))


def test_an_outcome_that_comes_after_its_claim_was_given_up_is_refused(store: Store) -> None:
    held = store.claimed()
    assert store.messages.abandon(store.o, held, Moved("unknown", NOW + LEASE, "connection_lost"))
    assert not store.messages.finish(store.o, held, Moved("queued", NOW + LEASE), owner=OWNER)


@pytest.mark.parametrize(
    ("before", "reported"),
    [("queued", "sent"), ("queued", "failed"), ("sending", "delivered"), ("sent", "read"), ("delivered", "sent"),
     ("read", "delivered"), ("read", "failed"), ("failed", "delivered"), ("unknown", "sent"), ("suppressed", "failed"),
     ("expired", "delivered")],
)  # fmt: skip
def test_a_receipt_never_moves_a_message_back(store: Store, before: str, reported: str) -> None:
    made = store.put(status=before)
    expected = reported in MOVES[before] and before != "queued"
    assert store.messages.receipt(store.o, made.key, Moved(reported, NOW, None, "SM9")) == expected
    after = store.at(made)
    assert after is not None
    assert after.status == (reported if expected else before)


def test_a_receipt_that_overtakes_the_outcome_keeps_it_out(store: Store) -> None:
    held = store.claimed()
    assert store.messages.receipt(store.o, held.key, Moved("delivered", NOW, provider_id="SM1"))
    assert not store.messages.finish(store.o, held, Moved("sent", NOW), owner=OWNER)
    after = store.at(held)
    assert after is not None
    assert (after.status, after.provider_id, after.owner) == ("delivered", "SM1", None)


def test_a_deferral_waits_without_an_attempt(store: Store) -> None:
    made = store.put()
    later = NOW + timedelta(hours=2)
    assert store.messages.withdraw(store.o, made, Moved("queued", NOW, "rate_limited", not_before=later))
    after = store.at(made)
    assert after is not None
    assert (after.status, after.not_before, after.reason, after.attempt) == ("queued", later, "rate_limited", 0)


def test_a_message_waits_for_its_slot_unless_it_waits_for_something_or_has_gone(store: Store) -> None:
    made, later = store.put(), NOW + timedelta(minutes=6)
    assert store.messages.postpone(store.o, made.key, later, at=NOW)
    after = store.at(made)
    assert after is not None
    assert (after.status, after.not_before, after.reason, after.attempt) == ("queued", later, "rate_limited", 0)
    assert after.timeline[-1] == (NOW, "queued", "rate_limited")
    assert not store.messages.postpone(store.o, made.key, later, at=NOW)
    assert store.messages.postpone(store.o, made.key, later + timedelta(hours=1), at=later)
    assert not store.messages.postpone(store.o, store.claimed(recipient="c:held").key, later, at=NOW)
    assert not store.messages.postpone(store.o, message(recipient="c:nobody").key, later, at=NOW)


def test_a_message_is_found_by_its_id_in_its_own_organization(store: Store) -> None:
    made = store.put(id=ulid(NOW, b"0123456789"))
    assert store.messages.find(store.o, made.id, now=NOW) == made
    assert store.messages.find(f"{store.o}~test", made.id, now=NOW) is None
    for other in (ulid(NOW, b"0123456788"), "nonsense", "", "0" * 26, "7" + "Z" * 25):
        assert store.messages.find(store.o, other, now=NOW) is None


def test_waiting_on_for_the_same_reason_adds_nothing_to_the_timeline(store: Store) -> None:
    made = store.put()
    for hours, reason, steps in ((1, "quiet_hours", 2), (2, "quiet_hours", 2), (3, "sender_misconfigured", 3)):
        later = NOW + timedelta(hours=hours)
        waiting = store.at(made)
        assert waiting is not None
        assert store.messages.withdraw(store.o, waiting, Moved("queued", NOW, reason, not_before=later))
        now = store.at(made)
        assert now is not None
        assert (now.not_before, now.reason, len(now.timeline)) == (later, reason, steps)


def test_what_is_held_may_get_a_later_deadline(store: Store) -> None:
    made, until = store.put(), NOW + timedelta(days=30)
    assert store.messages.withdraw(store.o, made, Moved("queued", NOW, "quiet_hours", not_before=NOW, deadline=until))
    waiting = store.at(made)
    assert waiting is not None
    assert waiting.deadline == until


def sent_and_waiting(store: Store) -> Message:
    """A message that was sent, and waits half an hour for its receipt."""
    made, at = store.claimed(channel="whatsapp"), NOW + timedelta(minutes=30)
    assert store.messages.finish(store.o, made, Moved("sent", NOW, provider_id="p", fallback_at=at), owner=OWNER)
    waiting = store.at(made)
    assert waiting is not None
    assert waiting.fallback_at == at
    return waiting


def test_the_next_channel_gets_its_turn_once_beside_a_message_that_stays_sent(store: Store) -> None:
    waiting, then = sent_and_waiting(store), message(channel="sms", id="then")
    assert store.messages.give_turn(store.o, waiting, then, retention_days=90)
    assert not store.messages.give_turn(store.o, waiting, replace(then, id="again"), retention_days=90)
    assert store.at(then) == then
    after = store.at(waiting)
    assert after is not None
    assert (after.status, after.fallback_at) == ("sent", None)
    assert store.messages.receipt(store.o, waiting.key, Moved("delivered", NOW))


def test_a_receipt_that_was_faster_leaves_the_next_channel_silent(store: Store) -> None:
    waiting, then = sent_and_waiting(store), message(channel="sms", id="then")
    assert store.messages.receipt(store.o, waiting.key, Moved("delivered", NOW))
    assert not store.messages.give_turn(store.o, waiting, then, retention_days=90)
    assert store.at(then) is None


def test_a_turn_that_was_given_by_a_failure_is_not_given_again(store: Store) -> None:
    waiting, then = sent_and_waiting(store), message(channel="sms", id="then")
    store.messages.create(store.o, then, retention_days=90)
    assert store.messages.give_turn(store.o, waiting, replace(then, id="again"), retention_days=90)
    assert store.at(then) == then


def test_a_turn_that_nobody_can_take_is_over_all_the_same(store: Store) -> None:
    waiting = sent_and_waiting(store)
    assert store.messages.give_turn(store.o, waiting, None, retention_days=90)
    assert not store.messages.give_turn(store.o, waiting, None, retention_days=90)
