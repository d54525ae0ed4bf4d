"""What is known against addresses: what holds after which report, and who is marked."""

from datetime import timedelta

import pytest

from carillon.domain.clients import Client
from carillon.domain.consents import can_message
from carillon.domain.decide import obstacle
from carillon.domain.reach import Reach, Refused
from carillon.domain.recipients import client_recipient, role_recipient
from carillon.domain.settings import Notified
from carillon.domain.suppressions import (
    MAX_REFUSED,
    Suppression,
    email_changes,
    named_in,
    noted,
    organization_with,
    reach_at,
    reach_with,
    reach_without,
)
from tests.builders import NOW, client, facts, organization, settings

LATER = NOW + timedelta(hours=1)
BOUNCED = Refused(channel="email", reason="address_bounced", address="Anna@example.com")


def test_the_first_report_holds_and_a_repeat_changes_nothing() -> None:
    first = noted(None, "address_bounced", NOW)
    assert first == Suppression("address_bounced", NOW)
    assert noted(first, "address_bounced", LATER) == first


def test_a_complaint_outweighs_a_bounce_whichever_came_first() -> None:
    bounced, complained = Suppression("address_bounced", NOW), Suppression("address_complained", NOW)
    assert noted(bounced, "address_complained", LATER) == Suppression("address_complained", LATER)
    assert noted(complained, "address_bounced", LATER) == complained


@pytest.mark.parametrize(("sent", "holds"), [(-1, False), (0, False), (1, True)])
def test_a_report_about_mail_from_before_the_address_was_seen_to_does_not_count(sent: int, holds: bool) -> None:
    lifted = Suppression("address_bounced", NOW - timedelta(days=1), lifted_at=NOW)
    after = noted(lifted, "address_bounced", NOW + timedelta(seconds=sent))
    assert (after is not None) == holds


def test_a_mark_is_made_once_and_replaces_an_older_one_of_the_same_address() -> None:
    once = reach_with(Reach(), BOUNCED)
    assert reach_with(once, BOUNCED) == once
    complained = Refused(channel="email", reason="address_complained", address="anna@example.com")
    assert reach_with(once, complained).refused == [complained]


def test_marks_stay_few() -> None:
    reach = Reach()
    for number in range(MAX_REFUSED + 5):
        reach = reach_with(reach, Refused(channel="email", reason="address_bounced", address=f"a{number}@example.com"))
    assert len(reach.refused) == MAX_REFUSED
    assert reach.refused[-1].address == f"a{MAX_REFUSED + 4}@example.com"


def test_lifting_takes_the_mark_of_that_address_and_channel_only() -> None:
    other = Refused(channel="sms", reason="address_bounced", address="anna@example.com")
    reach = reach_with(reach_with(Reach(), other), BOUNCED)
    assert reach_without(reach, "email", "ANNA@example.com").refused == [other]


def test_a_new_address_comes_with_its_own_mark_or_none() -> None:
    marked = reach_with(Reach(), BOUNCED)
    assert reach_at(marked, "email", None).refused == []
    new = Refused(channel="email", reason="address_complained", address="new@example.com")
    assert reach_at(marked, "email", new).refused == [new]


def test_what_is_an_address_that_someone_had_not() -> None:
    anna = client(email="Anna@example.com")
    assert not email_changes(anna, "anna@EXAMPLE.com")
    assert email_changes(anna, "other@example.com")
    assert email_changes(anna, None)
    assert email_changes(None, "anna@example.com")
    assert email_changes(client(removed=True, email="anna@example.com"), "anna@example.com")


def marked(reason: str = "address_bounced") -> Client:
    refused = Refused(channel="email", reason=reason, address="ANNA@example.com")  # type: ignore[arg-type]
    return client(reach=reach_with(Reach(), refused))


@pytest.mark.parametrize("reason", ["address_bounced", "address_complained"])
def test_a_marked_address_is_not_written_to_and_others_are(reason: str) -> None:
    person = marked(reason)
    told = client_recipient(person, settings())
    decided = obstacle(told, "email", "appointment.booked.console", "service", facts(client=person))
    assert (decided.send, decided.reason) == (False, reason)
    assert obstacle(told, "sms", "appointment.booked.console", "service", facts(client=person)).send
    assert can_message(person)["email"] is False
    assert can_message(person)["sms"] is True
    moved = client(reach=person.reach, email="new@example.com")
    told = client_recipient(moved, settings())
    assert obstacle(told, "email", "appointment.booked.console", "service", facts(client=moved)).send


def test_an_address_of_the_settings_is_marked_with_the_organization() -> None:
    of = settings(manager=Notified(email="boss@example.com"))
    assert named_in(of, "BOSS@example.com")
    assert not named_in(of, "anna@example.com")
    bounced = Refused(channel="email", reason="address_bounced", address="boss@example.com")
    known = organization_with(organization(), bounced)
    manager = role_recipient("manager", "r:manager#2026-11-23", of, known)
    assert manager is not None
    assert manager.refusal("email") == "address_bounced"
    assert obstacle(manager, "email", "x", "service", facts(organization=known)).reason == "address_bounced"
