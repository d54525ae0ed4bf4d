"""When a message is tried again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.ids import ulid
from carillon.domain.retries import FIRST, LONGEST, next_attempt
from tests.builders import NOW

message_ids = st.binary(min_size=10, max_size=10).map(lambda randomness: ulid(NOW, randomness))


@given(st.integers(1, 30), message_ids)
def test_each_attempt_waits_half_to_all_of_twice_the_last_up_to_a_limit(attempt: int, message_id: str) -> None:
    full = min(LONGEST, FIRST * 2 ** (attempt - 1))
    wait = next_attempt(attempt, None, message_id)
    assert timedelta(seconds=full / 2) <= wait <= timedelta(seconds=full)


@given(st.integers(1, 10), st.one_of(st.none(), st.integers(0, 10_000)), message_ids)
def test_the_same_message_waits_equally_long_wherever_it_is_computed(
    attempt: int, delay: int | None, message_id: str
) -> None:
    assert next_attempt(attempt, delay, message_id) == next_attempt(attempt, delay, message_id)


@given(st.integers(1, 10), st.integers(0, 100_000), message_ids)
def test_the_providers_own_delay_is_a_lower_bound(attempt: int, delay: int, message_id: str) -> None:
    assert next_attempt(attempt, delay, message_id) >= timedelta(seconds=delay)


@pytest.mark.parametrize("attempt", [1, 3])
def test_messages_refused_at_once_come_back_spread_over_the_whole_half(attempt: int) -> None:
    full = FIRST * 2 ** (attempt - 1)
    ids = [ulid(NOW, number.to_bytes(10)) for number in range(1000)]
    waits = sorted(next_attempt(attempt, None, message_id) / timedelta(seconds=full) for message_id in ids)
    tenths = [sum(0.5 + n * 0.05 <= wait < 0.55 + n * 0.05 for wait in waits) for n in range(10)]
    assert min(tenths) > 50


def test_the_spread_differs_from_attempt_to_attempt() -> None:
    message_id = ulid(NOW, bytes(10))
    shares = {
        next_attempt(attempt, None, message_id) / timedelta(seconds=FIRST * 2 ** (attempt - 1)) for attempt in (1, 2, 3)
    }
    assert len(shares) == 3
