"""An opt-out binds everyone, is kept as proof, and taking it back never makes more consent than there was."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carillon.domain.channels import Channel
from carillon.domain.clients import Client, ConsentState
from carillon.domain.opting import client_opted
from carillon.domain.recipients import client_recipient, role_recipient, staff_recipient
from carillon.domain.settings import Notified
from carillon.services.opting import Opting
from tests.builders import NOW, ORG, client, organization, settings, staff
from tests.doubles import CountingIds, SetClock
from tests.fakes import Account
from tests.people import MemoryOptings

MARKETED = ConsentState(service={"whatsapp": True, "sms": True}, marketing={"whatsapp": True, "email": True})


class Scene:
    def __init__(self) -> None:
        self.account = Account(
            organizations={ORG: organization()},
            settings={ORG: settings(manager=Notified(mobile="+31611111111", email="m@example.com"))},
            clients={(ORG, "anna"): client(consents=MARKETED)},
            staff={(ORG, "s1"): staff()},
        )
        self.store = MemoryOptings(self.account)
        self.opting = Opting(self.store, SetClock(NOW), CountingIds())

    @property
    def anna(self) -> Client:
        return self.account.clients[ORG, "anna"]

    def out(self, who: str = "c:anna", channel: Channel = "whatsapp", **more: Any) -> bool:
        return self.opting.out(ORG, who, channel, source="whatsapp_reply", wording="STOP", **more)

    def back(self, who: str = "c:anna", channel: Channel = "whatsapp", **more: Any) -> bool:
        return self.opting.back(ORG, who, channel, source="whatsapp_reply", wording="START", **more)


def test_a_client_who_opts_out_is_told_nothing_on_that_channel_and_everything_on_others() -> None:
    scene = Scene()
    assert scene.out()
    assert client_recipient(scene.anna, settings()).opted_out == ("whatsapp",)


def test_the_ledger_says_who_said_what_in_which_words() -> None:
    scene = Scene()
    scene.out()
    ((ref, entry),) = scene.store.ledger
    assert (ref, entry.source, entry.wording, entry.opt) == ("c:anna", "whatsapp_reply", "STOP", "out")
    assert entry.actor == {"recipient": "c:anna"}
    assert [(c.channel, c.purpose, c.granted) for c in entry.changes] == [
        ("whatsapp", "service", False),
        ("whatsapp", "marketing", False),
    ]


def test_opting_out_twice_is_one_entry() -> None:
    scene = Scene()
    assert [scene.out(), scene.out()] == [True, False]
    assert len(scene.store.ledger) == 1


def test_coming_back_restores_service_and_not_marketing() -> None:
    scene = Scene()
    scene.out()
    assert scene.back()
    assert scene.anna.opted_out == []
    assert scene.anna.consents.service == MARKETED.service
    assert scene.anna.consents.marketing == {"whatsapp": False, "email": True}
    said = scene.store.ledger[-1][1]
    assert [(c.purpose, c.granted) for c in said.changes] == [("service", True), ("marketing", False)]


def test_coming_back_without_having_left_changes_nothing() -> None:
    scene = Scene()
    assert not scene.back()
    assert scene.store.ledger == []
    assert scene.anna.consents == MARKETED


def test_coming_back_does_not_grant_what_was_withdrawn_in_between() -> None:
    scene = Scene()
    scene.out()
    withdrawn = replace(scene.anna.consents, service={"whatsapp": False, "sms": True})
    scene.account.clients[ORG, "anna"] = replace(scene.anna, consents=withdrawn)
    scene.back()
    assert scene.anna.consents.service == {"whatsapp": False, "sms": True}
    assert not scene.store.ledger[-1][1].changes[0].granted


def test_an_older_word_that_arrives_late_is_passed_over() -> None:
    scene = Scene()
    scene.out(at=NOW)
    scene.back(at=NOW + timedelta(minutes=2))
    assert not scene.out(at=NOW + timedelta(minutes=1))
    assert scene.anna.opted_out == []
    scene.out(at=NOW + timedelta(minutes=4))
    assert not scene.back(at=NOW + timedelta(minutes=3))
    assert scene.anna.opted_out == ["whatsapp"]


def test_staff_can_opt_out_too() -> None:
    scene = Scene()
    assert scene.out("s:s1", "sms")
    member = scene.account.staff[ORG, "s1"]
    assert staff_recipient(member, "collaborator", settings()).opted_out == ("sms",)
    assert scene.back("s:s1", "sms")
    assert scene.store.ledger[-1][0] == "s:s1"


def test_whoever_stands_behind_an_address_of_the_settings_opts_out_with_that_address() -> None:
    scene = Scene()
    assert scene.out("r:manager#2026-11-22")
    assert not scene.out("r:manager#2026-11-23")
    found = scene.account.organizations[ORG]
    of_settings = settings(manager=Notified(mobile="+31611111111"), owner=Notified(mobile="+31622222222"))
    manager = role_recipient("manager", "r:manager#2026-11-24", of_settings, found)
    owner = role_recipient("owner", "r:owner#2026-11-24", of_settings, found)
    assert manager is not None
    assert owner is not None
    assert (manager.opted_out, owner.opted_out) == (("whatsapp",), ())
    next_one = settings(manager=Notified(mobile="+31633333333"))
    successor = role_recipient("manager", "r:manager#2026-11-24", next_one, found)
    assert successor is not None
    assert successor.opted_out == ()
    assert scene.back("r:manager#2026-11-25")


def test_a_contact_without_an_address_on_the_channel_has_nothing_to_opt_out_of() -> None:
    assert not Scene().out("r:owner#2026-11-22", "sms")


def test_someone_who_is_gone_has_nothing_to_opt_out_of() -> None:
    assert not Scene().out("c:nobody")


def test_another_writer_in_between_is_no_obstacle() -> None:
    scene = Scene()
    scene.store.overtaken = 3
    assert scene.out()
    assert scene.anna.opted_out == ["whatsapp"]


@given(st.lists(st.sampled_from(["out", "back"]), max_size=8))
def test_no_sequence_of_words_makes_more_consent_than_there_was(words: list[Any]) -> None:
    was = client(consents=MARKETED)
    now = was
    for minute, word in enumerate(words):
        now = client_opted(now, "whatsapp", word, NOW + timedelta(minutes=minute))
    assert now.consents.service == was.consents.service
    for channel, granted in now.consents.marketing.items():
        assert not granted or was.consents.marketing[channel]
    assert ("whatsapp" in now.opted_out) == (words[-1:] == ["out"])


@pytest.mark.parametrize("word", ["out", "back"])
def test_a_word_concerns_its_channel_alone(word: Any) -> None:
    was = client(consents=MARKETED, opted_out=["sms"])
    now = client_opted(was, "whatsapp", word, NOW)
    assert "sms" in now.opted_out
    assert now.consents.marketing["email"]
