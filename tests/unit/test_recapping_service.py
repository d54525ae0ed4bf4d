"""Who is told a day's list, when it is due and when it is sent; and that a day is told once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carillon.domain.channels import Channel
from carillon.domain.reach import Reach, Refused
from carillon.domain.recaps import KINDS
from carillon.domain.settings import RecapOf
from tests.builders import staff
from tests.doubles import SetConnections
from tests.faults import Died, Failed, Line, lines
from tests.recap_store import RecapRig

CHANNELS: tuple[Channel, ...] = ("email", "sms")
SEVEN = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
"""07:00 in Amsterdam, the day that the appointments are on."""


def busy(line: Line | None = None, **changes: object) -> RecapRig:
    """A day on which Sara has two appointments, one of them with Tom."""
    rig = RecapRig(line, **changes)  # type: ignore[arg-type]
    rig.book("1", "2026-12-01T14:30:00", "sara")
    rig.book("2", "2026-12-01T09:00:00", "sara", "tom", client_id="bob")
    return rig


def test_each_collaborator_is_told_his_own_list_and_the_managers_the_whole() -> None:
    rig = busy()
    told = rig.fire_recap("staff", SEVEN)
    assert (told.result, told.appointments, told.messages) == ("recapped", 2, 2)
    assert rig.recipients() == ["s:sara", "s:tom"]
    told = rig.fire_recap("managers", SEVEN)
    assert (told.result, told.appointments, told.messages) == ("recapped", 2, 2)
    assert rig.recipients() == ["r:manager#2026-12-01", "s:mia", "s:sara", "s:tom"]
    assert {message.deadline for message in rig.account.found(rig.org_id)} == {SEVEN + timedelta(hours=3)}
    assert all(message.template == "recap" for message in rig.account.found(rig.org_id))


def test_a_list_shows_what_is_confirmed_on_the_day_itself_in_the_organizations_zone() -> None:
    rig = RecapRig()
    rig.book("midnight", "2026-12-01T00:00:00", "sara")
    rig.book("last", "2026-12-01T23:59:00", "sara", status="accepted")
    rig.book("before", "2026-11-30T23:59:00", "tom")
    rig.book("after", "2026-12-02T00:00:00", "tom")
    for status in ("requested", "awaiting_payment", "cancelled", "refused", "completed", "no_show"):
        rig.book(status, "2026-12-01T12:00:00", "tom", status=status)
    # In Auckland the first of December is over when this begins.
    rig.book("far", "2026-12-02T09:00:00", "sara", time_zone="Pacific/Auckland")
    told = rig.fire_recap("staff", SEVEN)
    assert (told.appointments, rig.recipients()) == (3, ["s:sara"])


def test_the_eve_lists_tomorrow() -> None:
    rig = busy(staff=RecapOf(enabled=True, day="day_before", at="18:00"))
    eve = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
    assert str(rig.fire_recap("staff", eve).day) == "2026-12-01"
    assert rig.recipients() == ["s:sara", "s:tom"]


def test_a_member_of_both_gets_both_lists_and_one_manager_address_is_told_once() -> None:
    rig = busy()
    rig.account.staff[rig.org_id, "sara"] = staff("sara", email="BOSS@example.com", roles=["collaborator", "manager"])
    rig.fire_recap("staff", SEVEN)
    rig.fire_recap("managers", SEVEN)
    assert rig.recipients() == ["s:mia", "s:sara", "s:sara", "s:tom"]
    (duplicate,) = rig.account.found(rig.org_id, "suppressed")
    assert (duplicate.key.recipient, duplicate.reason) == ("r:manager#2026-12-01", "duplicate")


def test_collaborators_at_one_address_get_each_his_own_list() -> None:
    rig = busy()
    for name in ("sara", "tom"):
        rig.account.staff[rig.org_id, name] = staff(name, email="desk@example.com")
    assert rig.fire_recap("staff", SEVEN).messages == 2


def test_every_listed_channel_is_tried_and_no_consent_is_asked_for() -> None:
    rig = busy(staff=RecapOf(enabled=True, channels=["email", "sms", "telegram"]))
    rig.fire_recap("staff", SEVEN)
    told = {(m.key.recipient, m.channel) for m in rig.account.found(rig.org_id)}
    assert told == {(who, channel) for who in ("s:sara", "s:tom") for channel in ("email", "sms")}


def test_opt_outs_and_bounces_bind_staff_and_are_told_with_their_reason() -> None:
    rig = busy()
    rig.account.staff[rig.org_id, "sara"] = staff("sara", opted_out=["email"])
    refused = Reach(refused=[Refused(channel="email", reason="address_bounced", address="tom@example.com")])
    rig.account.staff[rig.org_id, "tom"] = staff("tom", reach=refused)
    told = rig.fire_recap("staff", SEVEN)
    assert (told.messages, told.suppressed) == (0, 2)
    reasons = {m.key.recipient: (m.channel, m.reason) for m in rig.account.found(rig.org_id, "suppressed")}
    assert reasons == {"s:sara": (None, "opted_out"), "s:tom": (None, "address_bounced")}


def test_an_empty_day_is_told_only_where_the_settings_say_so() -> None:
    rig = RecapRig()
    for kind in KINDS:
        assert rig.fire_recap(kind, SEVEN).messages == 0
    assert rig.account.found(rig.org_id) == []
    rig = RecapRig(send_empty=True)
    rig.account.staff[rig.org_id, "gone"] = staff("gone", active=False)
    rig.fire_recap("staff", SEVEN)
    assert rig.recipients() == ["s:sara", "s:tom"]
    rig.fire_recap("managers", SEVEN)
    assert rig.recipients() == ["r:manager#2026-12-01", "s:mia", "s:sara", "s:tom"]


def test_a_recap_that_fires_twice_is_told_once_and_what_waits_is_queued_again() -> None:
    rig = busy()
    rig.fire_recap("staff", SEVEN)
    rig.queues.ready.clear()
    assert rig.fire_recap("staff", SEVEN).messages == 2  # nothing was noted: there is no plan
    assert len(rig.account.found(rig.org_id)) == len(rig.queues.ready) == 2
    rig = busy()
    rig.follow_settings()
    rig.fire_recap("staff", SEVEN)
    assert rig.fire_recap("staff", SEVEN).result == "recapped_before"
    assert len(rig.queues.ready) == 2


def test_a_day_is_told_once_whichever_setting_calls_for_it() -> None:
    rig = busy()
    rig.follow_settings()
    rig.fire_recap("staff", SEVEN)
    rig.deliver()
    rig.set_recap(staff=RecapOf(enabled=True, at="09:00"))
    rig.book("3", "2026-12-01T16:00:00", "mia")
    told = rig.fire_recap("staff", SEVEN + timedelta(hours=2))
    # Mia had nothing at seven; she is told now, and the others a second time of nothing.
    assert (told.result, told.messages) == ("recapped", 1)
    assert rig.recipients() == ["s:mia"]


def test_a_recap_of_more_than_three_hours_ago_is_not_told() -> None:
    rig = busy()
    rig.clock.at = SEVEN + timedelta(hours=3)
    assert rig.fire_recap("staff", SEVEN).suppressed == 2
    assert {m.reason for m in rig.account.found(rig.org_id, "suppressed")} == {"too_late"}


@pytest.mark.parametrize("off", ["disabled", "inactive", "suspended", "deleted", "nothing"])
def test_where_no_recap_is_wanted_none_is_told_and_the_schedule_is_to_go(off: str) -> None:
    rig = busy()
    here = rig.account.organizations[rig.org_id]
    if off == "disabled":
        rig.set_recap(staff=RecapOf())
    elif off == "nothing":
        del rig.account.settings[rig.org_id]
    else:
        changed: dict[str, Any] = {"active": False} if off == "inactive" else {off: True}
        rig.account.organizations[rig.org_id] = replace(here, **changed)
    assert rig.fire_recap("staff", SEVEN, name="c-old").result == "stale_schedule"
    assert rig.account.found(rig.org_id) == []
    (job,) = rig.queues.jobs
    assert (job["kind"], job["o"], job["stale"]) == ("recaps", rig.org_id, ["c-old"])


def test_a_schedule_of_an_older_time_does_nothing_but_say_so() -> None:
    rig = busy(staff=RecapOf(enabled=True, at="09:00"))
    rig.follow_settings()
    assert rig.fire_recap("staff", SEVEN, name="c-old").result == "stale_schedule"
    assert rig.account.found(rig.org_id) == []
    assert [job["stale"] for job in rig.queues.jobs] == [["c-old"]]


def test_a_schedules_other_time_is_not_taken_for_its_time() -> None:
    rig = busy(staff=RecapOf(enabled=True, at="02:30"))
    rig.follow_settings()
    (name,) = [name for name, (_, cron) in rig.crons.kept.items() if cron.kind == "staff"]
    assert rig.fire_recap("staff", datetime(2026, 12, 1, 2, 30, tzinfo=UTC), name).result == "not_its_time"
    assert rig.account.found(rig.org_id) == []
    assert rig.fire_recap("staff", datetime(2026, 12, 1, 1, 30, tzinfo=UTC), name).result == "recapped"
    assert rig.queues.jobs == []


def test_a_test_data_set_has_recaps_of_its_own() -> None:
    rig = busy(org_id="aurora~test")
    assert rig.fire_recap("staff", SEVEN).messages == 2
    assert {owner for owner, _ in rig.account.messages} == {"aurora~test"}


class TestJustBeforeItIsSent:
    @pytest.fixture
    def rig(self) -> RecapRig:
        rig = busy()
        rig.fire_recap("staff", SEVEN)
        return rig

    def reasons(self, rig: RecapRig) -> dict[str, tuple[str, str | None]]:
        return {m.key.recipient: (m.status, m.reason) for m in rig.account.found(rig.org_id)}

    def test_it_goes_to_the_address_of_now(self, rig: RecapRig) -> None:
        rig.account.staff[rig.org_id, "sara"] = staff("sara", email="new@example.com")
        rig.deliver()
        assert {outgoing.to for outgoing in rig.provider.sent} == {"new@example.com", "tom@example.com"}

    def test_a_list_that_has_become_empty_is_not_told(self, rig: RecapRig) -> None:
        rig.book("2", "2026-12-01T09:00:00", "sara", "tom", status="cancelled")
        rig.deliver()
        assert self.reasons(rig) == {"s:sara": ("sent", None), "s:tom": ("suppressed", "superseded")}

    def test_nor_is_one_whose_appointments_moved_to_another_day(self, rig: RecapRig) -> None:
        rig.book("2", "2026-12-02T09:00:00", "sara", "tom")
        rig.deliver()
        assert self.reasons(rig)["s:tom"] == ("suppressed", "superseded")

    def test_an_empty_list_is_told_where_that_is_wanted(self, rig: RecapRig) -> None:
        rig.set_recap(send_empty=True)
        rig.account.records.clear()
        rig.deliver()
        assert {status for status, _ in self.reasons(rig).values()} == {"sent"}

    def test_whoever_left_is_not_told(self, rig: RecapRig) -> None:
        rig.account.staff[rig.org_id, "sara"] = staff("sara", active=False)
        del rig.account.staff[rig.org_id, "tom"]
        rig.deliver()
        assert set(self.reasons(rig).values()) == {("suppressed", "no_address")}

    def test_an_opt_out_that_came_in_between_counts(self, rig: RecapRig) -> None:
        rig.account.staff[rig.org_id, "tom"] = staff("tom", opted_out=["email"])
        rig.deliver()
        assert self.reasons(rig)["s:tom"] == ("suppressed", "opted_out")

    def test_a_recap_or_channel_that_was_switched_off_is_not_told(self, rig: RecapRig) -> None:
        rig.set_recap(staff=RecapOf(enabled=True, channels=["sms"]))
        rig.deliver()
        assert set(self.reasons(rig).values()) == {("suppressed", "rule_disabled")}

    def test_after_three_hours_it_is_expired(self, rig: RecapRig) -> None:
        rig.clock.at = SEVEN + timedelta(hours=3)
        rig.deliver()
        assert set(self.reasons(rig).values()) == {("expired", "too_late")}

    def test_an_organization_that_is_gone_tells_nobody(self, rig: RecapRig) -> None:
        del rig.account.settings[rig.org_id]
        rig.deliver()
        assert set(self.reasons(rig).values()) == {("suppressed", "superseded")}

    def test_a_manager_who_is_one_no_more_is_not_told(self) -> None:
        rig = busy()
        rig.fire_recap("managers", SEVEN)
        rig.account.staff[rig.org_id, "mia"] = staff("mia")
        rig.deliver()
        assert self.reasons(rig) == {"s:mia": ("suppressed", "no_address"), "r:manager#2026-12-01": ("sent", None)}

    def test_a_batch_reads_the_day_once(self, rig: RecapRig) -> None:
        before = rig.days.reads
        rig.deliver()
        assert rig.days.reads == before + 1

    def test_what_is_read_does_not_grow_old(self, rig: RecapRig) -> None:
        sender, taken = rig.sender(), rig.take("email")
        sender.send(taken[:1])
        rig.clock.advance(seconds=6)
        rig.account.records.clear()
        sender.send(taken[1:])
        assert sorted(status for status, _ in self.reasons(rig).values()) == ["sent", "suppressed"]


def told_whole_day(line: Line) -> RecapRig:
    """Fire a recap until it comes through, and send until nothing waits, whatever breaks."""
    rig = busy(staff=RecapOf(enabled=True, channels=["email", "sms"]), managers=RecapOf())
    rig.account.staff[rig.org_id, "tom"] = staff("tom", opted_out=["email", "sms"])
    rig.follow_settings()
    rig.line = line
    for _ in range(3):
        try:
            rig.fire_recap("staff", SEVEN)
        except (Died, Failed):
            continue
        break
    for _ in range(12):
        if not rig.queues.ready:
            break
        for channel in CHANNELS:
            taken = rig.take(channel)
            try:
                done = rig.sender(channel).send(taken)
            except (Died, Failed):
                rig.queues.ready += taken
            else:
                rig.queues.ready += [sent.ready for sent in done if sent.result == "busy"]
        rig.clock.advance(seconds=30)
    return rig


def test_whatever_breaks_where_each_is_told_once_and_nobody_is_left_out() -> None:
    counting = Line()
    whole = told_whole_day(counting)
    keys = set(whole.account.messages)
    assert len(keys) == 3
    tried = 0
    for line in lines(len(counting.calls)):
        rig = told_whole_day(line)
        assert set(rig.account.messages) == keys, line
        calls = [outgoing.message_id for outgoing in rig.provider.sent]
        assert len(calls) == len(set(calls)), line
        open_ones = [m for m in rig.account.found(rig.org_id) if m.status in ("unknown", "sending")]
        if open_ones:
            assert line.calls[(line.at or 1) - 1] in ("claim", "send", "finish"), line
        assert len(calls) + len(open_ones) >= 2, line
        assert not rig.account.found(rig.org_id, "queued"), line
        tried += 1
    assert tried > 60


def test_a_recap_costs_a_handful_of_reads_and_a_write_for_each_message() -> None:
    rig = busy()
    rig.follow_settings()
    rig.line = Line()
    rig.fire_recap("staff", SEVEN)
    reads = ["read", "load", "between", "all_staff", "read"]
    assert rig.line.calls == [*reads, "create", "create", "send_ready", "done"]
    rig.line = Line()
    rig.fire_recap("staff", SEVEN)
    assert rig.line.calls == ["read", "load"]


def test_a_channel_that_is_not_connected_is_told_of_and_the_other_goes() -> None:
    rig = busy(staff=RecapOf(enabled=True, channels=["sms", "email"]))
    rig.connections = SetConnections(channels=frozenset({"email"}))
    assert rig.fire_recap("staff", SEVEN).messages == 2
    assert {m.channel for m in rig.account.found(rig.org_id)} == {"email"}
