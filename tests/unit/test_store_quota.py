"""What a message takes from its quota and gives back: the table and the memory alike."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.domain.messages import Message
from carillon.domain.quota import Bucket, Credit, Exhausted
from carillon.ports.messages import Claim, Moved
from tests.builders import ID, NOW, event_occasion, message
from tests.fake_messages import MemoryMessages
from tests.fakes import Account, MemoryReader
from tests.memory_table import MemoryTable
from tests.message_store import OWNER, Store


class Metered(Store):
    """A store whose organization has units, and a way to see how many are left."""

    left: Callable[[Bucket], int]
    credit: Callable[[Bucket, int], object]


@pytest.fixture(params=["table", "memory"])
def store(request: pytest.FixtureRequest) -> Metered:
    if request.param == "memory":
        account = Account()
        made = Metered(MemoryMessages(account), MemoryReader(account))
        made.left = lambda bucket: account.left.get((made.o, bucket), 0)
        made.credit = lambda bucket, units: account.left.update({(made.o, bucket): made.left(bucket) + units})
        return made
    table = MemoryTable()
    quota, made = DynamoQuota(table), Metered(DynamoMessages(table), DynamoReader(table))
    made.left = lambda bucket: quota.books(made.o, bucket).left
    made.credit = lambda bucket, units: quota.credit(made.o, bucket, Credit(f"{bucket}{units}", ID, units, "x", NOW))
    return made


def sms(store: Metered, units: int = 2, **changes: Any) -> Message:
    made = message(channel="sms", units=units, **changes)
    assert store.messages.create(store.o, made, retention_days=90)
    held = store.at(made)
    assert held is not None
    return held


def claim(store: Metered, held: Message, units: int | None = None) -> Message:
    assert store.messages.claim(store.o, held, Claim(OWNER, NOW, "+31600000000", 1, units))
    claimed = store.at(held)
    assert claimed is not None
    return claimed


def test_a_message_takes_its_units_when_it_is_queued_and_once(store: Metered) -> None:
    store.credit("sms", 10)
    held = sms(store)
    assert (held.units, store.left("sms")) == (2, 8)
    assert not store.messages.create(store.o, replace(held, id="again"), retention_days=90)
    assert store.left("sms") == 8


def test_where_fewer_are_left_than_wanted_those_are_taken(store: Metered) -> None:
    store.credit("sms", 1)
    assert (sms(store).units, store.left("sms")) == (1, 0)


def test_nothing_is_stored_without_a_unit(store: Metered) -> None:
    made = message(channel="sms", units=1)
    with pytest.raises(Exhausted, match="sms"):
        store.messages.create(store.o, made, retention_days=90)
    assert store.at(made) is None


def test_one_that_was_stored_before_is_not_refused_for_want_of_units(store: Metered) -> None:
    store.credit("sms", 2)
    held = sms(store)
    assert not store.messages.create(store.o, held, retention_days=90)


@pytest.mark.parametrize(("written", "left"), [(1, 9), (2, 8), (4, 6)])
def test_a_claim_puts_the_units_right(store: Metered, written: int, left: int) -> None:
    store.credit("sms", 10)
    assert claim(store, sms(store), written).units == written
    assert store.left("sms") == left


def test_a_claim_that_needs_more_than_is_left_changes_nothing(store: Metered) -> None:
    store.credit("sms", 3)
    held = sms(store)
    with pytest.raises(Exhausted):
        store.messages.claim(store.o, held, Claim(OWNER, NOW, "+31600000000", 1, 4))
    assert (store.at(held), store.left("sms")) == (held, 1)
    assert claim(store, held, 3).units == 3


def test_who_comes_second_takes_nothing(store: Metered) -> None:
    store.credit("sms", 10)
    held = sms(store)
    claim(store, held, 3)
    assert not store.messages.claim(store.o, held, Claim("other", NOW, "+31600000000", 1, 1))
    assert store.left("sms") == 7


def test_an_accepted_message_keeps_its_units_whatever_comes_later(store: Metered) -> None:
    store.credit("sms", 10)
    held = claim(store, sms(store), 1)
    assert store.messages.finish(store.o, held, Moved("sent", NOW, parts=1), owner=OWNER)
    assert store.messages.receipt(store.o, held.key, Moved("failed", NOW, "unreachable"))
    assert store.left("sms") == 9


@pytest.mark.parametrize(("counted", "left"), [(1, 9), (3, 7)])
def test_what_the_provider_counts_is_taken(store: Metered, counted: int, left: int) -> None:
    store.credit("sms", 10)
    held = claim(store, sms(store), 2)
    assert store.messages.finish(store.o, held, Moved("sent", NOW, parts=counted), owner=OWNER)
    assert store.left("sms") == left


def test_what_the_provider_counts_beyond_what_is_left_is_not_taken(store: Metered) -> None:
    store.credit("sms", 2)
    held = claim(store, sms(store), 2)
    assert store.messages.finish(store.o, held, Moved("sent", NOW, parts=3), owner=OWNER)
    done = store.at(held)
    assert done is not None
    assert (done.status, done.parts, done.units, store.left("sms")) == ("sent", 3, 2, 0)


@pytest.mark.parametrize("status", ["suppressed", "expired", "cancelled", "failed"])
def test_a_message_that_leaves_the_queue_unsent_gives_back_once(store: Metered, status: str) -> None:
    store.credit("sms", 10)
    held = sms(store)
    assert store.messages.withdraw(store.o, held, Moved(status, NOW, "x"))
    assert not store.messages.withdraw(store.o, held, Moved(status, NOW, "x"))
    assert store.left("sms") == 10
    gone = store.at(held)
    assert gone is not None
    assert (gone.units, gone.shard) == (0, None)


def test_what_waits_or_is_tried_again_keeps_its_units(store: Metered) -> None:
    store.credit("sms", 10)
    held = sms(store)
    assert store.messages.withdraw(store.o, held, Moved("queued", NOW, "quiet_hours", not_before=NOW))
    claimed = claim(store, held, 1)
    assert store.messages.finish(store.o, claimed, Moved("queued", NOW, "429", not_before=NOW), owner=OWNER)
    assert store.left("sms") == 9
    # Whoever read it before that claim knows other units than it has.
    again = store.at(held)
    assert again is not None
    assert store.messages.withdraw(store.o, again, Moved("expired", NOW, "too_late"))
    assert store.left("sms") == 10


def test_what_failed_gives_back_and_the_next_channel_takes_in_one_write(store: Metered) -> None:
    store.credit("sms", 5)
    store.credit("email", 1)
    held, then = claim(store, sms(store), 2), message(channel="email", units=1)
    assert store.messages.finish(store.o, held, Moved("failed", NOW, "unreachable"), owner=OWNER, then=then)
    assert (store.left("sms"), store.left("email")) == (5, 0)
    assert not store.messages.finish(store.o, held, Moved("failed", NOW, "unreachable"), owner=OWNER, then=then)
    assert (store.left("sms"), store.left("email")) == (5, 0)


def test_an_outcome_whose_next_channel_has_no_quota_is_not_written_yet(store: Metered) -> None:
    store.credit("sms", 5)
    held, then = claim(store, sms(store), 2), message(channel="email", units=1)
    with pytest.raises(Exhausted, match="email"):
        store.messages.finish(store.o, held, Moved("failed", NOW, "unreachable"), owner=OWNER, then=then)
    assert (store.at(held), store.at(then), store.left("sms")) == (held, None, 3)


def test_a_next_message_that_is_there_already_takes_nothing_again(store: Metered) -> None:
    store.credit("sms", 5)
    store.credit("email", 5)
    held, then = claim(store, sms(store), 2), message(channel="email", units=1)
    assert store.messages.create(store.o, then, retention_days=90)
    assert store.messages.finish(store.o, held, Moved("failed", NOW, "unreachable"), owner=OWNER, then=then)
    assert (store.left("sms"), store.left("email")) == (5, 4)


def test_a_turn_takes_the_next_channels_units(store: Metered) -> None:
    store.credit("sms", 5)
    waiting = claim(store, message_of(store, channel="email"))
    assert store.messages.finish(store.o, waiting, Moved("sent", NOW, fallback_at=NOW), owner=OWNER)
    then = message(channel="sms", units=2)
    assert store.messages.give_turn(store.o, waiting, then, retention_days=90)
    assert not store.messages.give_turn(store.o, waiting, then, retention_days=90)
    assert store.left("sms") == 3


def test_an_unknown_outcome_keeps_its_units(store: Metered) -> None:
    store.credit("sms", 5)
    held = claim(store, sms(store), 2)
    assert store.messages.finish(store.o, held, Moved("unknown", NOW, "provider_timeout"), owner=OWNER)
    assert store.messages.receipt(store.o, held.key, Moved("failed", NOW, "unreachable"))
    assert store.left("sms") == 3


def test_what_is_not_metered_touches_no_quota(store: Metered) -> None:
    made = message_of(store, channel="sms", occasion=event_occasion())
    assert store.messages.withdraw(store.o, claimable := made, Moved("cancelled", NOW))
    assert claimable.units == 0
    assert store.left("sms") == 0


def message_of(store: Metered, **changes: Any) -> Message:
    made = message(**changes)
    assert store.messages.create(store.o, made, retention_days=90)
    return made
