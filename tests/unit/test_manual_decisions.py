"""What is in the way of a manual message, in which order, and what is looked at again before it goes."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.domain.channels import Channel
from carillon.domain.clients import ConsentState, Staff
from carillon.domain.decisions import Account
from carillon.domain.manual import (
    Elsewhere,
    audience_for,
    manual_message,
    obstacle_to,
    recheck_manual,
    refused_at,
    written_recipient,
)
from carillon.domain.messages import Author, Message
from carillon.domain.reach import Conversation, OptedAddress, Reach, Refused
from carillon.domain.recheck import Recheck
from carillon.domain.settings import Notified, QuietHours
from carillon.domain.times import iso
from tests.builders import ALL_SERVICE, CONNECTED, NOW, ORG, approved, client, organization, settings, staff

NIGHT = datetime.fromisoformat("2026-11-23T22:30:00+00:00")


def account(**changes: Any) -> Account:
    basis: dict[str, Any] = {
        "organization": organization(),
        "settings": settings(),
        "connected": CONNECTED,
        "whatsapp_templates": approved("reminder"),
        "now": NOW,
    }
    return Account(**(basis | changes))


def open_window(at: datetime = NOW) -> Reach:
    talk = {"whatsapp": Conversation(address="+31612345678")}
    return Reach(replied_at={"whatsapp": iso(at)}, conversations=talk)  # type: ignore[arg-type]


def blocked(channel: Channel = "sms", template: str = "manual", *, free: bool = True, **of_client: Any) -> str | None:
    person = written_recipient(client(**of_client), "client", settings())
    return obstacle_to(person, channel, template, account(), None, free=free)


def test_refusals_come_in_the_order_of_the_contract() -> None:
    """Everything is in the way at first; what is mended step by step leaves the next one."""
    everything: dict[str, Any] = {
        "consents": ConsentState(),
        "opted_out": ["whatsapp"],
        "phone": None,
    }
    person = client(**everything)
    closed = account(connected=frozenset())

    def first(facts: Account, **mended: Any) -> str | None:
        recipient = written_recipient(replace(person, **mended), "client", facts.settings)
        return obstacle_to(recipient, "whatsapp", "manual", facts, None, free=True)

    mended: dict[str, Any] = {}
    assert first(closed) == "channel_not_connected"
    assert first(account()) == "consent_missing"
    mended["consents"] = ConsentState(service=ALL_SERVICE)
    assert first(account(), **mended) == "opted_out"
    mended["opted_out"] = []
    assert first(account(), **mended) == "no_address"
    mended["phone"] = "+31612345678"
    assert first(account(), **mended) == "whatsapp_window_closed"
    mended["reach"] = open_window()
    assert first(account(), **mended) is None


def test_outside_the_window_only_what_was_approved_goes() -> None:
    assert blocked("whatsapp", "reminder.day_before", free=False) is None
    assert blocked("whatsapp", "reminder.day_before", free=True) == "whatsapp_window_closed"
    assert blocked("whatsapp", "recap", free=False) == "whatsapp_window_closed"
    assert blocked("whatsapp", free=True, reach=open_window()) is None


def test_what_refuses_mail_is_no_address_and_a_complaint_is_an_opt_out() -> None:
    for reason, code in (("address_bounced", "no_address"), ("address_complained", "opted_out")):
        held = Reach(refused=[Refused(channel="email", reason=reason, address="anna@example.com")])  # type: ignore[arg-type]
        assert blocked("email", reach=held) == code


def test_marketing_needs_its_own_consent() -> None:
    assert blocked("email", "review") == "consent_missing"
    agreed = ConsentState(service=ALL_SERVICE, marketing={"email": True})
    assert blocked("email", "review", consents=agreed) is None


def test_staff_need_no_consent_and_can_opt_out() -> None:
    person = written_recipient(staff(), "collaborator", settings())
    assert obstacle_to(person, "sms", "manual", account(), None, free=True) is None
    out = written_recipient(staff(opted_out=["sms"]), "collaborator", settings())
    assert obstacle_to(out, "sms", "manual", account(), None, free=True) == "opted_out"


@pytest.mark.parametrize(
    ("refused", "code"), [(None, None), ("opted_out", "opted_out"), ("address_bounced", "no_address")]
)
def test_another_address_counts_in_place_of_the_stored_one(refused: str | None, code: str | None) -> None:
    held = Reach(refused=[Refused(channel="email", reason="address_bounced", address="anna@example.com")])
    person = written_recipient(client(reach=held), "client", settings())
    there = Elsewhere("other@example.com", refused)
    assert obstacle_to(person, "email", "manual", account(), there, free=True) == code


def test_another_address_does_without_no_stored_one_and_opens_no_window() -> None:
    nowhere = written_recipient(client(email=None), "client", settings())
    there = Elsewhere("other@example.com")
    assert obstacle_to(nowhere, "email", "manual", account(), there, free=True) == "no_address"
    talking = written_recipient(client(reach=open_window()), "client", settings())
    elsewhere = Elsewhere("+31699999999")
    assert obstacle_to(talking, "whatsapp", "manual", account(), elsewhere, free=True) == "whatsapp_window_closed"


def test_whoever_has_an_address_speaks_for_it() -> None:
    nobody = settings(manager=Notified(email="boss@example.com"))
    bob = client("bob", email="Shared@example.com", opted_out=["email"])

    def look(*clients: Any, members: Any = (), org: Any = None) -> str | None:
        return refused_at("email", "shared@example.com", clients, members, org or organization(), nobody)

    assert look() is None
    assert look(client("bob", email="shared@example.com")) is None
    assert look(bob) == "opted_out"
    assert look(replace(bob, removed=True)) == "opted_out"
    assert look(members=[staff(email="shared@example.com", opted_out=["email"])]) == "opted_out"
    said = OptedAddress(channel="email", address="SHARED@example.com", out=True, at=iso(NOW))
    assert look(org=organization(opted=[said])) == "opted_out"
    held = Reach(refused=[Refused(channel="email", reason="address_bounced", address="shared@example.com")])
    assert look(replace(bob, opted_out=[], reach=held)) == "address_bounced"
    phone = refused_at(
        "sms", "+5491123456789", [client(phone="+541123456789", opted_out=["sms"])], (), organization(), settings()
    )
    assert phone == "opted_out", "however the number is written"


def test_a_text_is_for_whoever_it_is_offered_to() -> None:
    boss = staff(roles=["manager"])
    assert audience_for(None, None) == "client"
    assert audience_for("reminder.day_before", None) == "client"
    assert audience_for("recap", None) is None
    assert audience_for("recap", boss) == "manager"
    assert audience_for("task.created", staff()) == "assignee"
    assert audience_for("own.greeting", staff()) == "collaborator"
    assert audience_for("no.such", staff()) is None


def written(channel: Channel = "sms", template: str = "manual", *, to: str = "+31612345678", **author: Any) -> Message:
    person = written_recipient(client(), "client", settings())
    by = Author("key-1", **author)
    return manual_message(ORG, "01M", person, channel, to=to, record="", template=template, author=by, now=NOW)


def again(message: Message, *, now: datetime = NOW, elsewhere: Elsewhere | None = None, **changes: Any) -> Recheck:
    person = client(**changes.pop("client", {}))
    members: dict[str, Staff] = changes.pop("staff", {})
    return recheck_manual(message, account(now=now, **changes), {"anna": person}, members, elsewhere, now)


def test_before_it_goes_everything_is_looked_at_again() -> None:
    message = written()
    assert again(message) == Recheck(address="+31612345678")
    assert again(message, client={"phone": "+31611111111"}).address == "+31611111111"
    refusals = {
        "consent_missing": again(message, client={"consents": ConsentState()}),
        "opted_out": again(message, client={"opted_out": ["sms"]}),
        "no_address": again(message, client={"phone": None}),
        "channel_not_connected": again(message, connected=frozenset()),
        "notifications_inactive": again(message, organization=organization(active=False)),
    }
    assert {reason: (found.status, found.reason) for reason, found in refusals.items()} == {
        reason: ("suppressed", reason) for reason in refusals
    }
    assert again(message, client={"removed": True}).reason == "no_address"
    late = again(message, now=NOW + timedelta(hours=24))
    assert (late.status, late.reason) == ("expired", "too_late")
    assert recheck_manual(message, None, {}, {}, None, NOW).reason == "superseded"


def test_what_goes_elsewhere_goes_there_unless_somebody_there_said_no() -> None:
    message = written(to="+31699999999", another=True)
    assert again(message, elsewhere=Elsewhere("+31699999999")).address == "+31699999999"
    assert again(message, elsewhere=Elsewhere("+31699999999", "opted_out")).reason == "opted_out"
    assert again(message, elsewhere=Elsewhere("+31699999999"), client={"phone": None}).reason == "no_address"


def test_free_text_needs_the_window_to_be_open_yet_and_approved_text_does_not() -> None:
    free, fixed = written("whatsapp"), written("whatsapp", "reminder.day_before", free=False)
    assert again(free, client={"reach": open_window()}).status is None
    assert again(free, client={"reach": open_window(NOW - timedelta(hours=23, minutes=40))}).status is None
    closed = again(free, client={"reach": open_window(NOW - timedelta(hours=23, minutes=50))})
    assert (closed.status, closed.reason) == ("suppressed", "whatsapp_template_missing")
    assert again(fixed).status is None


def test_quiet_hours_hold_marketing_alone() -> None:
    quiet = settings(quiet_hours=QuietHours(enabled=True))
    assert again(written(), now=NIGHT, settings=quiet).status is None
    agreed = {"consents": ConsentState(marketing={"email": True})}
    held = again(written("email", "review"), now=NIGHT, client=agreed)
    assert (held.status, held.reason) == ("queued", "quiet_hours")
    assert held.not_before == datetime.fromisoformat("2026-11-24T07:00:00+00:00")
