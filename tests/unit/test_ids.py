"""Ids: ULIDs that people read, hashes that are the same every time."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.ids import digest, ulid, ulid_time
from tests.builders import NOW

EPOCH = datetime(1972, 1, 1, tzinfo=UTC)
instants = st.integers(0, 6_900_000_000 * 10**6).map(lambda us: EPOCH + timedelta(microseconds=us))
randomness = st.binary(min_size=10, max_size=10)


@given(instants, randomness)
def test_a_ulid_has_26_characters_and_knows_its_time(at: datetime, noise: bytes) -> None:
    made = ulid(at, noise)
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", made)
    assert timedelta(0) <= at - ulid_time(made) <= timedelta(milliseconds=2)


@given(instants, randomness, randomness)
def test_later_ulids_sort_later(at: datetime, one: bytes, other: bytes) -> None:
    assert ulid(at, one) < ulid(at + timedelta(milliseconds=2), other)
    assert (ulid(at, one) < ulid(at, other)) == (one < other)


@pytest.mark.parametrize(
    "wrong", ["", "X", "8" + "0" * 25, "0" * 25, "0" * 27, "0" * 25 + "U", "0" * 25 + "a", "é" * 26]
)
def test_what_is_no_ulid_has_no_time(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ulid_time(wrong)


def test_the_latest_ulid_names_no_day_that_python_knows() -> None:
    with pytest.raises(ValueError, match="year"):
        ulid_time("7" + "Z" * 25)


@pytest.mark.parametrize("size", [0, 9, 11])
def test_a_ulid_takes_ten_random_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        ulid(NOW, bytes(size))


texts = st.lists(st.text("ab", max_size=3), min_size=1, max_size=4)


@given(texts, texts)
def test_a_digest_tells_its_parts_apart(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_a_digest_is_what_it_was_yesterday() -> None:
    # Names of schedules and keys of messages rest on it: another digest would send everything again.
    assert digest("aurora", "appointments/42") == "g4lvs6o2anhe7xblr4m6vby322yd6oid"
    assert re.fullmatch(r"[a-z2-7]{32}", digest(""))
