"""Whom an e-mail comes from, for each choice and for each address that may be missing."""

from typing import Any

import pytest

from carillon.domain.channel_states import ChannelState
from carillon.domain.mail_from import MailFrom, mail_from, own_address
from carillon.domain.settings import Contact, EmailSender
from tests.builders import organization, settings, staff

CONTACT = Contact(email="salon@gmail.example")
OWN = "hi@salon.example"


def own(status: Any = "active") -> Any:
    return organization(channels={"email": ChannelState(status=status, sender=OWN)})


def found(chosen: Any, of: Any = None, member: Any = None) -> MailFrom:
    return mail_from(of or own(), settings(contact=CONTACT, email_sender=EmailSender(from_=chosen)), member)


def test_no_reply_is_the_deployments_address_in_the_organizations_name() -> None:
    assert found("no_reply") == MailFrom("Salon Aurora", None, CONTACT.email, None)


def test_the_organizations_address_is_used_once_it_is_verified() -> None:
    assert found("organization") == MailFrom("Salon Aurora", OWN, CONTACT.email, OWN)


@pytest.mark.parametrize("of", [organization(), own("pending"), own("paused")])
@pytest.mark.parametrize("chosen", ["organization", "staff"])
def test_without_a_usable_address_mail_goes_out_as_before(of: Any, chosen: str) -> None:
    assert found(chosen, of) == MailFrom("Salon Aurora", None, CONTACT.email, None)


def test_staff_write_from_their_own_address_where_its_domain_is_the_organizations() -> None:
    member = staff(name="Sam", email="Sam@SALON.example")
    assert found("staff", member=member) == MailFrom("Sam, Salon Aurora", "Sam@SALON.example", None, OWN)


def test_staff_with_another_address_are_answered_there() -> None:
    member = staff(name="Sam", email="sam@gmail.example")
    assert found("staff", member=member) == MailFrom("Salon Aurora", OWN, "sam@gmail.example", OWN)
    assert found("staff", organization(), member) == MailFrom("Salon Aurora", None, "sam@gmail.example", None)
    lookalike = staff(email="sam@salon.example.evil.example")
    assert found("staff", member=lookalike).address == OWN


def test_staff_without_an_address_write_as_the_organization() -> None:
    assert found("staff", member=staff(email=None)) == found("organization")
    assert found("staff", member=None) == found("organization")


def test_a_sender_that_is_no_address_is_none() -> None:
    assert own_address(organization(channels={"email": ChannelState(status="active", sender="test email")})) is None
