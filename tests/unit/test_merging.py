"""Merging two clients: which fields win, and whose consent counts."""

from datetime import UTC, datetime

import pytest

from carillon.domain.clients import Client, ConsentState, Grants
from carillon.domain.merging import alias, entry_of, merged, stricter


@pytest.mark.parametrize(
    ("keep", "gone", "after"),
    [
        ({"sms": True}, {"sms": True}, {"sms": True}),
        ({"sms": True}, {"sms": False}, {"sms": False}),
        ({"sms": False}, {"sms": True}, {"sms": False}),
        ({"sms": True}, {}, {"sms": False}),
        ({}, {"sms": True}, {}),
        ({}, {"sms": False}, {"sms": False}),
        ({}, {}, {}),
    ],
)
def test_a_channel_is_agreed_to_only_where_both_agreed(keep: Grants, gone: Grants, after: Grants) -> None:
    assert stricter(keep, gone) == after


def test_the_kept_fields_win_and_gaps_are_filled() -> None:
    keep = Client(id="a", first_name="Anna", phone="+31612345678", tags=["x"], opted_out=["sms"])
    gone = Client(id="b", first_name="A", email="a@example.com", tags=["x", "y"], opted_out=["email"], merged=["c"])
    after = merged(keep, gone)
    assert (after.id, after.first_name, after.phone, after.email) == ("a", "Anna", "+31612345678", "a@example.com")
    assert (after.tags, after.opted_out, after.merged) == (["x", "y"], ["sms", "email"], ["b", "c"])


def test_nothing_of_the_person_stays_under_the_other_id() -> None:
    assert alias("b", "a") == Client(id="b", removed=True, alias_of="a")


def test_the_ledger_says_only_what_changed() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    keep = Client(id="a", consents=ConsentState(service={"sms": True, "email": True}))
    gone = Client(id="b", consents=ConsentState(service={"sms": True}))
    entry = entry_of(keep, merged(keep, gone), "b", {"key_id": "k"}, now)
    assert entry is not None
    assert [(each.channel, each.granted) for each in entry.changes] == [("email", False)]
    assert entry_of(keep, keep, "b", {"key_id": "k"}, now) is None
