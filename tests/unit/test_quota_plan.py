"""How units are taken from a bucket: what a plan moves, where it takes from, and when it crosses a mark."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.own_texts import OwnTexts
from carillon.domain.quota import (
    BUILT_IN_PARTS,
    LOW,
    OWN_PARTS,
    SHARDS,
    Books,
    Plan,
    Shard,
    debit,
    kept_buckets,
    metered_buckets,
    plan,
    units_at_queue,
    units_written,
)
from tests.builders import ORG, message, organization

shards = st.builds(lambda free, used: Shard(free + used, free), st.integers(0, 9), st.integers(0, 9))
books = st.builds(
    lambda pool, base, low, listed: Books(pool=pool, base=base, low=low, shards=tuple(listed)),
    st.integers(0, 60),
    st.integers(0, 150),
    st.booleans(),
    st.lists(shards, min_size=SHARDS, max_size=SHARDS),
)


def carried_out(of: Books, planned: Plan) -> Books:
    """Do what a plan says, as the table would."""
    held = list(of.shards)
    for place, units in planned.from_shards:
        held[place] = Shard(held[place].granted - units, held[place].free - units)
    mine = held[planned.shard]
    held[planned.shard] = Shard(mine.granted + planned.moved, mine.free + planned.moved - planned.units)
    return replace(of, pool=of.pool - planned.from_pool, low=of.low or planned.crosses, shards=tuple(held))


@given(books, st.integers(1, 12), st.integers(0, SHARDS - 1), st.booleans(), st.booleans())
def test_a_plan_takes_what_there_is_and_never_more(of: Books, units: int, shard: int, fixed: bool, some: bool) -> None:
    planned = plan(of, units, shard, at_least=1 if some else units, fixed=fixed)
    if planned is None:
        assert of.left < (1 if some else units)
        return
    after = carried_out(of, planned)
    assert planned.units == min(units, of.left)
    assert (after.left, after.used) == (of.left - planned.units, of.used + planned.units)
    assert after.pool >= 0
    assert all(0 <= each.free <= each.granted for each in after.shards)
    assert planned.shard not in dict(planned.from_shards)
    if fixed:
        assert planned.shard == shard


@given(st.integers(1, 300), st.lists(st.integers(1, 4), min_size=1, max_size=120))
def test_the_balance_becomes_low_once_and_at_the_very_unit(credited: int, taken: list[int]) -> None:
    of, crossings = Books(pool=credited, credits=credited, base=credited), 0
    for units in taken:
        planned = plan(of, units, 0, at_least=1)
        if planned is None:
            assert of.left == 0
            break
        was_low, of = of.is_low, carried_out(of, planned)
        crossings += planned.crosses
        assert planned.crosses == (of.is_low and not was_low)
    assert crossings == of.is_low == (of.left * LOW <= credited)


@given(books, st.integers(1, 200))
def test_what_is_taken_back_is_there(of: Books, units: int) -> None:
    planned = debit(of, units)
    assert (planned is None) == (units > of.left)
    if planned is not None:
        assert planned.moved == units
        assert planned.from_pool <= of.pool
        assert all(part <= of.shards[place].free for place, part in planned.from_shards)


def test_a_few_writers_take_from_the_first_shard_and_a_shard_is_granted_a_quarter() -> None:
    planned = plan(Books(pool=100, base=100), 1, 0, at_least=1)
    assert planned == Plan(0, 1, from_pool=25)
    # Another writer's shard serves one that finds none for its own.
    held = (Shard(), Shard(9, 5), *(Shard() for _ in range(SHARDS - 2)))
    assert plan(Books(pool=20, base=100, shards=held), 2, 0, at_least=1) == Plan(1, 2)


def test_units_are_an_upper_bound_of_what_is_metered_and_nothing_else() -> None:
    metered = organization(metering={"sms": 10, "email": 0})
    assert units_at_queue(metered, "sms", "reminder.day_before") == BUILT_IN_PARTS
    own = OwnTexts({"reminder.day_before#client#sms#nl": "1"})
    assert units_at_queue(metered, "sms", "reminder.day_before", "client", own) == OWN_PARTS
    assert units_at_queue(metered, "sms", "reminder.hour_before", "client", own) == BUILT_IN_PARTS
    assert units_at_queue(metered, "sms", "own.extra") == OWN_PARTS
    assert units_at_queue(metered, "email", "reminder.day_before") == 1
    assert [units_at_queue(metered, name, "reminder.day_before") for name in ("whatsapp", "push", None)] == [0, 0, 0]
    assert units_at_queue(organization(), "sms", "reminder.day_before") == 0


def test_test_data_is_never_metered() -> None:
    test = replace(organization(metering={"sms": 10}), id=f"{ORG}~test", ledgers=["sms"])
    assert units_at_queue(test, "sms", "reminder.day_before") == 0
    assert metered_buckets(test) == kept_buckets(test) == []


def test_books_are_kept_of_what_was_metered_once() -> None:
    was = replace(organization(metering={"email": 5}), ledgers=["sms", "email"])
    assert (metered_buckets(was), kept_buckets(was)) == (["email"], ["email", "sms"])


def test_a_written_message_takes_its_parts() -> None:
    held = message(channel="sms", units=4)
    assert [units_written(held, text) for text in ("a" * 160, "a" * 161, "ж" * 71, "")] == [1, 2, 2, 1]
    assert units_written(message(channel="email", units=1), "a" * 500) == 1
    assert units_written(message(channel="sms"), "a" * 161) == 0
