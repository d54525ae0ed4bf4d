"""Receipts: what providers report moves a message on, never back; and the listings that show it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.errors import Forbidden, NotFound
from carillon.domain.listing import Page
from carillon.domain.messages import MOVES, STATUSES, Message, MessageFilter
from carillon.ports.delivery import Outcome
from carillon.services.log import Log
from carillon.services.receipts import Receipt, Received
from carillon.services.reminders import Reminders, ReminderState, WantedReminders
from tests.builders import NOW, ORG, REF, client, organization
from tests.fake_messages import MemoryMessages
from tests.fakes import MemoryDueRows, MemoryReader, MemoryRecords
from tests.rig import Rig


@pytest.fixture
def rig() -> Rig:
    """A reminder that went out over WhatsApp; the booking was silent."""
    made = Rig()
    made.put(notify=False)
    made.follow("anna")
    made.fire("day_before")
    made.deliver("whatsapp")
    return made


def report(rig: Rig, status: str, reason: str | None = None) -> Received:
    message = next(m for m in rig.account.found(ORG) if m.channel == "whatsapp")
    return rig.receipts().apply(Receipt(rig.tokens.issue(ORG, message.key), status, reason, "SM1"))


def found(rig: Rig) -> dict[str | None, tuple[str, str | None]]:
    return {m.channel: (m.status, m.reason) for m in rig.account.found(ORG)}


def test_a_receipt_moves_its_message_on(rig: Rig) -> None:
    assert report(rig, "delivered") == Received("applied", ORG)
    assert report(rig, "read") == Received("applied", ORG)
    message = rig.only()
    assert (message.status, message.provider_id) == ("read", "SM1")
    assert [status for _, status, _ in message.timeline] == ["queued", "sending", "sent", "delivered", "read"]


def test_receipts_out_of_order_or_twice_change_nothing(rig: Rig) -> None:
    report(rig, "read")
    before = rig.only()
    for status in ("delivered", "sent", "read"):
        assert report(rig, status).result == "known"
    assert rig.only() == before


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("reported", ["sent", "delivered", "read", "failed"])
def test_a_receipt_moves_only_along_the_state_machine(rig: Rig, before: str, reported: str) -> None:
    message = rig.only()
    rig.account.messages[ORG, message.key] = replace(message, status=before)  # type: ignore[arg-type]
    allowed = reported in MOVES[before] and before != "queued"
    assert report(rig, reported, "unreachable").result == ("applied" if allowed else "known")
    assert found(rig)["whatsapp"][0] == (reported if allowed else before)


def test_a_receipt_closes_what_was_unknown() -> None:
    rig = Rig()
    rig.put(notify=False)
    rig.follow("anna")
    rig.provider.script = [Outcome("unknown", reason="provider_timeout")]
    rig.fire("day_before")
    rig.deliver("whatsapp")
    assert report(rig, "delivered").result == "applied"
    assert found(rig) == {"whatsapp": ("delivered", None)}


def test_a_token_that_was_not_issued_here_names_nothing(rig: Rig) -> None:
    assert rig.receipts().apply(Receipt("made up", "delivered", None, None)) == Received("not_ours")


def test_a_message_that_was_erased_is_not_brought_back(rig: Rig) -> None:
    token = rig.tokens.issue(ORG, rig.only().key)
    rig.account.messages.clear()
    for status in ("delivered", "failed"):
        assert rig.receipts().apply(Receipt(token, status, None, None)).result == "known"
    assert rig.account.messages == {}


def test_a_late_failure_gives_the_next_channel_its_turn(rig: Rig) -> None:
    report(rig, "failed", "unreachable")
    assert found(rig) == {"whatsapp": ("failed", "unreachable"), "sms": ("queued", None)}
    rig.deliver("sms")
    assert found(rig)["sms"] == ("sent", None)


def test_a_failure_that_is_reported_twice_gives_one_turn(rig: Rig) -> None:
    report(rig, "failed", "unreachable")
    rig.deliver("sms")
    report(rig, "failed", "unreachable")
    assert rig.deliver("sms") == []
    assert len(rig.provider.sent) == 2


def test_a_failure_whose_handler_died_before_the_next_channel_is_made_good_by_the_repeat(rig: Rig) -> None:
    report(rig, "failed", "unreachable")
    sms = next(m for m in rig.account.found(ORG) if m.channel == "sms")
    del rig.account.messages[ORG, sms.key]
    rig.queues.ready.clear()
    report(rig, "failed", "unreachable")
    rig.deliver("sms")
    assert found(rig)["sms"] == ("sent", None)


def test_a_failure_after_the_deadline_gives_nobody_a_turn(rig: Rig) -> None:
    rig.clock.at = rig.only().deadline
    report(rig, "failed", "unreachable")
    assert found(rig) == {"whatsapp": ("failed", "unreachable")}


def test_a_failure_that_is_contradicted_stays_delivered(rig: Rig) -> None:
    report(rig, "failed", "unreachable")
    report(rig, "delivered")
    assert found(rig)["whatsapp"] == ("delivered", None)


def test_a_bounce_of_an_events_message_tells_nobody_else() -> None:
    rig = Rig()
    rig.put()
    rig.follow("anna")
    rig.deliver()
    message = rig.only()
    rig.receipts().apply(Receipt(rig.tokens.issue(ORG, message.key), "failed", "recipient_rejected", "m"))
    assert found(rig) == {"email": ("failed", "recipient_rejected")}


# --- Listings ------------------------------------------------------------------------------------------------------


def reminders(rig: Rig) -> Reminders:
    return Reminders(
        reader=MemoryReader(rig.account),
        records=MemoryRecords(rig.account),
        due_rows=MemoryDueRows(rig.account),
        clock=rig.clock,
    )


def states(items: list[ReminderState]) -> dict[str, tuple[str, str | None]]:
    return {item.entry.key: (item.state, item.reason) for item in items}


def test_a_records_reminders_say_what_became_of_them(rig: Rig) -> None:
    assert states(reminders(rig).of_record(ORG, REF)) == {
        "day_before": ("fired", None),
        "morning_of": ("planned", None),
    }
    rig.put(status="cancelled")
    assert states(reminders(rig).of_record(ORG, REF)) == {
        "day_before": ("fired", None),
        "morning_of": ("cancelled", None),
    }


def test_a_reminder_that_was_suppressed_says_why(rig: Rig) -> None:
    rig.account.clients[ORG, "anna"] = client(phone=None, email=None)
    rig.fire("morning_of")
    assert states(reminders(rig).of_record(ORG, REF))["morning_of"] == ("suppressed", "no_address")


def test_a_reminder_that_was_too_late_from_the_start_says_so(rig: Rig) -> None:
    rig.put(start="2026-11-30T17:30:00Z", notify=False)
    assert states(reminders(rig).of_record(ORG, REF)) == {
        "day_before": ("suppressed", "too_late"),
        "morning_of": ("suppressed", "too_late"),
    }


def test_planned_reminders_show_before_the_planner_has_followed() -> None:
    rig = Rig()
    rig.put()
    assert set(states(reminders(rig).of_record(ORG, REF)).values()) == {("planned", None)}


def test_reminders_are_listed_by_client_in_the_order_they_are_due(rig: Rig) -> None:
    page = reminders(rig).page(ORG, WantedReminders(client_id="anna"), limit=1, position=None)
    assert [item.entry.key for item in page.items] == ["day_before"]
    rest = reminders(rig).page(ORG, WantedReminders(client_id="anna"), limit=1, position=page.position)
    assert ([item.entry.key for item in rest.items], rest.position) == (["morning_of"], None)
    assert reminders(rig).page(ORG, WantedReminders(client_id="bob"), limit=9, position=None).items == []


def test_reminders_are_listed_by_when_they_are_due_without_what_a_move_left_behind(rig: Rig) -> None:
    rig.put(start="2026-12-04T10:00:00", notify=False)
    rig.follow("anna")
    since = rig.clock.at
    page = reminders(rig).page(ORG, WantedReminders(since=since), limit=50, position=None)
    assert [(item.entry.key, item.entry.start.day) for item in page.items] == [("day_before", 4), ("morning_of", 4)]
    early = WantedReminders(since=since, until=since + timedelta(days=1))
    assert reminders(rig).page(ORG, early, limit=50, position=None).items == []


def test_reminders_of_a_record_may_be_narrowed(rig: Rig) -> None:
    wanted = WantedReminders(record=REF, since=rig.clock.at + timedelta(seconds=1))
    assert [item.entry.key for item in reminders(rig).page(ORG, wanted, limit=9, position=None).items] == ["morning_of"]


def test_unknown_and_deleted_records_have_no_reminders(rig: Rig) -> None:
    with pytest.raises(NotFound):
        reminders(rig).of_record(ORG, "appointments/unheard-of")
    rig.appointments().delete(ORG, "42")
    with pytest.raises(NotFound):
        reminders(rig).of_record(ORG, REF)


def test_while_inactive_reminders_and_messages_are_hidden(rig: Rig) -> None:
    rig.account.organizations[ORG] = organization(active=False)
    log = Log(messages=MemoryMessages(rig.account), reader=MemoryReader(rig.account), clock=rig.clock)
    for look in (
        lambda: reminders(rig).of_record(ORG, REF),
        lambda: reminders(rig).page(ORG, WantedReminders(), limit=1, position=None),
        lambda: log.get(ORG, rig.only().id),
    ):
        with pytest.raises(Forbidden) as refused:
            look()
        assert refused.value.code == "notifications_inactive"


class Listing(MemoryMessages):
    """Notes what is asked for."""

    def page(self, org_id: str, wanted: MessageFilter, **how: Any) -> Page[Message]:
        asked.append(wanted)
        return super().page(org_id, wanted, **how)


asked: list[MessageFilter] = []


def test_messages_are_looked_for_since_the_organization_was_made(rig: Rig) -> None:
    asked.clear()
    log = Log(messages=Listing(rig.account), reader=MemoryReader(rig.account), clock=rig.clock)
    earlier, later = NOW - timedelta(days=1), NOW + timedelta(days=30)
    found = [
        log.page(ORG, MessageFilter(channel="whatsapp", since=since), limit=9, position=None).items
        for since in (None, earlier, later)
    ]
    assert found == [[rig.only()], [rig.only()], []]
    assert [(wanted.since, wanted.channel) for wanted in asked] == [(since, "whatsapp") for since in (NOW, NOW, later)]


def test_an_organization_that_does_not_know_its_age_is_listed_from_the_beginning(rig: Rig) -> None:
    asked.clear()
    rig.account.organizations[ORG] = organization(created_at="")
    log = Log(messages=Listing(rig.account), reader=MemoryReader(rig.account), clock=rig.clock)
    assert log.page(ORG, MessageFilter(), limit=9, position=None).items == [rig.only()]
    assert asked == [MessageFilter()]


def test_one_message_is_found_by_its_id_in_its_own_organization(rig: Rig) -> None:
    rig.account.organizations["other"] = organization(id="other")
    log = Log(messages=MemoryMessages(rig.account), reader=MemoryReader(rig.account), clock=rig.clock)
    message = rig.only()
    assert log.get(ORG, message.id).message == message
    for org_id, message_id in (("other", message.id), (ORG, "0" * 26)):
        with pytest.raises(NotFound):
            log.get(org_id, message_id)
