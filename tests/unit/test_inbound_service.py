"""What people write back: kept once, opens the window, opts out of the channel, and is confirmed once."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from carillon.domain.messages import Message
from carillon.domain.reach import Conversation, Reach
from carillon.domain.replies import KEPT, LONGEST, StoredReply
from carillon.domain.settings import Notified
from carillon.domain.times import iso
from carillon.ports.directory import Clients
from carillon.services.inbound import Inbound, Reply, Taken
from carillon.services.opting import Opting
from tests.builders import ORG, client, organization, staff
from tests.doubles import CountingIds
from tests.fake_messages import MemoryMessages
from tests.fakes import MemoryReader
from tests.faults import Died, Failed, Line
from tests.people import MemoryAddressBook, MemoryClients, MemoryReplies
from tests.rig import Rig

PHONE = "+31612345678"


class Scene(Rig):
    """Anna, whose reminder went out over WhatsApp, and Bob, who has another phone."""

    def __init__(self, line: Line | None = None, **of_settings: Any) -> None:
        super().__init__(line, **of_settings)
        self.account.clients[ORG, "bob"] = client("bob", phone="+31600000000")
        self.replies = MemoryReplies()
        self.numbers = CountingIds(1000)
        self.put(notify=False)
        self.follow("anna")
        self.fire("day_before")
        self.deliver("whatsapp")
        self.provider.sent.clear()
        self.clock.advance(minutes=5)

    def inbound(self) -> Inbound:
        watch = self.line.watch
        return Inbound(
            replies=watch(self.replies),
            addresses=watch(MemoryAddressBook(self.account)),
            reader=watch(MemoryReader(self.account)),
            clients=cast("Clients", watch(MemoryClients(self.account))),
            messages=watch(MemoryMessages(self.account)),
            queues=watch(self.queues),
            opting=Opting(watch(self.optings), self.clock, self.numbers),
            clock=self.clock,
            ids=self.numbers,
        )

    def reply(self, text: str = "See you!", **changes: Any) -> Taken:
        basis: dict[str, Any] = {
            "channel": "whatsapp",
            "address": PHONE,
            "text": text,
            "provider_id": f"SM-{text}",
            "at": self.clock.at,
        }
        return self.inbound().take(ORG, Reply(**(basis | changes)))

    @property
    def kept(self) -> StoredReply:
        (found,) = self.replies.kept.values()
        return found

    def answers(self) -> list[Message]:
        return [m for m in self.account.found(ORG) if m.occasion.kind == "answer"]

    def reach(self, who: str = "anna") -> Reach:
        return self.account.clients[ORG, who].reach

    def out(self, who: str = "anna") -> list[str]:
        return list(self.account.clients[ORG, who].opted_out)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_reply_is_kept_with_who_wrote_it_and_what_it_answers(scene: Scene) -> None:
    taken = scene.reply("I'll be there")
    reminder = next(m for m in scene.account.found(ORG) if m.channel == "whatsapp")
    assert taken == Taken("stored", scene.kept.id, "anna", None)
    assert (scene.kept.text, scene.kept.channel, scene.kept.address) == ("I'll be there", "whatsapp", PHONE)
    assert (scene.kept.client_id, scene.kept.in_reply_to, scene.kept.record) == ("anna", reminder.id, "appointments/42")


def test_the_same_reply_twice_is_one(scene: Scene) -> None:
    first = scene.reply("STOP")
    scene.clock.advance(seconds=15)
    again = scene.reply("STOP", at=scene.clock.at)
    assert again == Taken("repeated", first.id, "anna", "out")
    assert len(scene.answers()) == 1
    assert len(scene.optings.ledger) == 1


def test_a_reply_opens_the_window_between_these_two_numbers(scene: Scene) -> None:
    scene.reply(to="+48700000000")
    assert scene.reach().replied_at == {"whatsapp": iso(scene.clock.at)}
    assert scene.reach().conversations == {"whatsapp": Conversation(address=PHONE, to="+48700000000")}
    assert scene.reach("bob").replied_at == {}


def test_another_reply_soon_after_is_not_noted_a_later_one_is(scene: Scene) -> None:
    scene.reply("one")
    first = scene.reach().replied_at
    scene.clock.advance(minutes=9)
    scene.reply("two")
    assert scene.reach().replied_at == first
    scene.clock.advance(minutes=2)
    scene.reply("three")
    assert scene.reach().replied_at == {"whatsapp": iso(scene.clock.at)}


def test_a_reply_that_was_overtaken_does_not_move_the_window_back(scene: Scene) -> None:
    scene.reply("now")
    latest = scene.reach().replied_at
    scene.reply("late", at=scene.clock.at - timedelta(hours=3))
    assert scene.reach().replied_at == latest


def test_stop_opts_out_of_that_channel_and_is_confirmed_in_the_persons_language(scene: Scene) -> None:
    scene.account.clients[ORG, "anna"] = replace(scene.account.clients[ORG, "anna"], locale="pl")
    assert scene.reply("STOP").opt == "out"
    assert scene.out() == ["whatsapp"]
    ((who, entry),) = scene.optings.ledger
    assert (who, entry.source, entry.wording, entry.at) == ("c:anna", "whatsapp_reply", "STOP", iso(scene.clock.at))
    (answer,) = scene.answers()
    assert (answer.template, answer.to, answer.status, answer.channel) == (
        "answer.opt_out",
        PHONE,
        "queued",
        "whatsapp",
    )
    assert scene.kept.settled


def test_the_confirmation_goes_out_although_the_person_has_opted_out(scene: Scene) -> None:
    scene.reply("STOP")
    (sent,) = scene.deliver("whatsapp")
    assert (sent.result, scene.answers()[0].status) == ("sent", "sent")
    assert scene.provider.sent[0].to == PHONE


def test_the_confirmation_comes_at_once_or_not_at_all(scene: Scene) -> None:
    scene.reply("STOP")
    scene.clock.advance(minutes=6)
    scene.deliver("whatsapp")
    assert (scene.answers()[0].status, scene.answers()[0].reason) == ("expired", "too_late")


def test_a_closed_organization_confirms_nothing_and_still_hears(scene: Scene) -> None:
    scene.account.organizations[ORG] = organization(active=False)
    scene.reply("STOP")
    scene.deliver("whatsapp")
    assert scene.out() == ["whatsapp"]
    assert (scene.answers()[0].status, scene.answers()[0].reason) == ("suppressed", "notifications_inactive")


def test_a_second_stop_is_not_confirmed_again(scene: Scene) -> None:
    scene.reply("STOP")
    scene.reply("stop please")
    assert len(scene.answers()) == 1
    assert len(scene.optings.ledger) == 1


def test_what_the_provider_has_answered_is_not_answered_again(scene: Scene) -> None:
    scene.reply("STOP", answered=True)
    assert scene.out() == ["whatsapp"]
    assert scene.answers() == []


def test_the_next_reminder_goes_by_another_channel(scene: Scene) -> None:
    scene.reply("STOP")
    scene.fire("morning_of")
    latest = [m for m in scene.account.found(ORG) if m.occasion.reminder == "morning_of"]
    assert [(m.channel, m.tried) for m in latest] == [("sms", (("whatsapp", "opted_out"),))]


def test_what_is_queued_already_is_stopped_too() -> None:
    scene = Scene()
    scene.fire("morning_of")
    scene.reply("STOP")
    scene.account.messages.pop((ORG, scene.answers()[0].key))
    scene.deliver("whatsapp")
    waiting = next(
        m for m in scene.account.found(ORG) if m.occasion.reminder == "morning_of" and m.channel == "whatsapp"
    )
    assert (waiting.status, waiting.reason) == ("suppressed", "opted_out")
    assert scene.provider.sent == []


def test_start_brings_back_what_stop_took(scene: Scene) -> None:
    scene.reply("STOP")
    scene.clock.advance(hours=1)
    assert scene.reply("START").opt == "back"
    assert scene.out() == []
    assert [m.template for m in scene.answers()] == ["answer.opt_out", "answer.opt_back"]


def test_start_of_somebody_who_never_left_says_nothing(scene: Scene) -> None:
    scene.reply("start")
    assert scene.answers() == []
    assert scene.optings.ledger == []


def test_everyone_with_the_phone_opts_out_with_it() -> None:
    scene = Scene(manager=Notified(mobile=PHONE))
    scene.account.clients[ORG, "kid"] = client("kid", allow_shared_contact=True)
    scene.account.staff[ORG, "s1"] = staff("s1", mobile=PHONE)
    scene.reply("STOP")
    assert [who for who, _ in scene.optings.ledger] == ["c:anna", "c:kid", "s:s1", "r:manager"]
    assert scene.out("kid") == ["whatsapp"]
    assert len(scene.answers()) == 1
    assert scene.kept.client_id == "anna"


def test_staff_without_a_client_of_that_phone_can_opt_out() -> None:
    scene = Scene()
    scene.account.staff[ORG, "s1"] = staff("s1", mobile="+31699999999")
    taken = scene.reply("STOP", address="+31699999999")
    assert (taken.result, taken.client_id) == ("stored", None)
    assert list(scene.account.staff[ORG, "s1"].opted_out) == ["whatsapp"]
    scene.deliver("whatsapp")
    assert [m.status for m in scene.answers()] == ["sent"]


def test_a_stranger_is_kept_and_nobody_opts_out(scene: Scene) -> None:
    assert scene.reply("STOP", address="+31688888888").result == "stored"
    assert scene.kept.client_id is None
    assert scene.optings.ledger == []
    assert scene.answers() == []
    assert scene.kept.settled


def test_a_number_that_whatsapp_spells_otherwise_is_the_clients() -> None:
    scene = Scene()
    scene.account.clients[ORG, "anna"] = replace(scene.account.clients[ORG, "anna"], phone="+525512345678")
    scene.reply("STOP", address="+5215512345678")
    assert scene.out() == ["whatsapp"]
    assert scene.answers()[0].to == "+5215512345678"


@pytest.mark.parametrize("gone", [None, organization(deleted=True)])
def test_an_organization_that_is_gone_keeps_nothing(scene: Scene, gone: Any) -> None:
    scene.account.organizations.pop(ORG)
    if gone is not None:
        scene.account.organizations[ORG] = gone
    assert scene.reply("STOP") == Taken("nowhere")
    assert scene.replies.kept == {}


def test_an_answer_to_a_message_of_long_ago_answers_none_of_them(scene: Scene) -> None:
    scene.clock.at += KEPT + timedelta(days=1)
    scene.reply()
    assert (scene.kept.in_reply_to, scene.kept.record) == (None, None)


def test_a_message_that_never_went_out_is_not_what_a_reply_answers() -> None:
    scene = Scene()
    scene.fire("morning_of")
    scene.account.clients[ORG, "anna"] = replace(scene.account.clients[ORG, "anna"], opted_out=["whatsapp"])
    scene.deliver("whatsapp")
    scene.reply()
    sent = next(m for m in scene.account.found(ORG) if m.occasion.reminder == "day_before")
    assert scene.kept.in_reply_to == sent.id


def test_a_text_that_means_harm_is_kept_harmless(scene: Scene) -> None:
    scene.reply("a\x00b\x1b[31m\u202egnp.exe\r\nline" + "x" * 5000)
    assert scene.kept.text.startswith("a b [31m gnp.exe\nlinexxx")
    assert len(scene.kept.text) == LONGEST


def broken() -> Iterator[tuple[Scene, str]]:
    """A reply whose taker breaks at each of its calls, in each way."""
    whole = Scene()
    before = len(whole.line.calls)
    whole.reply("STOP")
    calls = len(whole.line.calls) - before
    assert calls > 6
    for kind in ("dies_before", "dies_after", "fails_before", "fails_after"):
        for at in range(1, calls + 1):
            scene = Scene(Line(kind=kind))
            scene.line.at = len(scene.line.calls) + at
            yield scene, f"{kind} at {at}"


def test_a_taker_that_breaks_anywhere_leaves_what_the_provider_or_the_sweep_mends() -> None:
    for by_sweep in (False, True):
        for scene, how in broken():
            with suppress(Died, Failed):
                scene.reply("STOP")
            scene.line.at = None
            if by_sweep and not scene.replies.kept:
                continue  # nothing was accepted; its provider brings it again
            if by_sweep:
                scene.clock.advance(minutes=1)
                scene.inbound().mend(ORG)
            else:
                scene.reply("STOP")
            assert scene.out() == ["whatsapp"], how
            assert len(scene.optings.ledger) == 1, how
            assert scene.kept.settled, how
            scene.deliver("whatsapp")
            assert [m.status for m in scene.answers()] == ["sent"], how
            assert len(scene.provider.sent) == 1, how
