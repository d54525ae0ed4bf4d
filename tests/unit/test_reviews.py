"""Review requests: with consent, somewhere to write it, after what took place, and not too often."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.clients import ConsentState
from carillon.domain.messages import message_key
from carillon.domain.reviews import TAKING, Asked
from carillon.domain.settings import Review
from carillon.services.appointments import AppointmentInput
from carillon.services.explaining import Explaining, Question
from carillon.services.replanning import replan
from tests.builders import NOW, ORG, REF, client, reminder
from tests.fakes import MemoryReader
from tests.faults import KINDS, Died, Failed, Line
from tests.rig import CALLER, Rig

ASKED = [reminder("review", after_end="PT2H", channels=["email"])]
AGREED = ConsentState(service={"email": True}, marketing={"email": True})
LINK = "https://example.com/review"
STARTS = {"41": "2026-12-01T09:00:00", "42": "2026-12-01T10:00:00", "50": "2026-12-20T10:00:00"}


def salon(booked: tuple[str, ...] = ("42",), *, every: int | None = 30, url: str | None = LINK, **anna: Any) -> Rig:
    rig = Rig(review=Review(url=url, at_most_every_days=every))
    basis: dict[str, Any] = {"reminders": ASKED, "consents": AGREED}
    rig.account.clients[ORG, "anna"] = client(**(basis | anna))
    for name in booked:
        book(rig, name)
    return rig


def book(rig: Rig, name: str, status: str = "booked") -> None:
    stated = AppointmentInput(
        client_id="anna",
        start=STARTS[name],
        duration_minutes=30,
        status=status,  # type: ignore[arg-type]
        notify=False,
    )
    rig.appointments().put(CALLER, name, stated)
    rig.planner().follow(ORG, f"appointments/{name}", ("anna",))


def fire(rig: Rig, name: str) -> str:
    (place,) = [each for each, due in rig.schedules.kept.items() if due.record == f"appointments/{name}"]
    due = rig.schedules.kept.pop(place)
    rig.clock.at = max(rig.clock.at, due.fires)
    (done,) = rig.dispatcher().dispatch([due])
    return done.reason or done.result


def became(rig: Rig, name: str = "42") -> list[tuple[str, str | None]]:
    kept = [m for m in rig.account.found(ORG) if m.occasion.record == f"appointments/{name}"]
    return [(message.status, message.reason) for message in kept]


def test_a_client_is_asked_once_in_so_many_days_and_again_after_them() -> None:
    rig = salon(("41", "42", "50"))
    assert (fire(rig, "41"), fire(rig, "42"), fire(rig, "50")) == ("fired", "review_too_soon", "review_too_soon")
    again = salon(("41", "50"), every=19)
    assert (fire(again, "41"), fire(again, "50")) == ("fired", "fired")


def test_without_the_setting_each_visit_asks_and_a_setting_made_later_knows_of_it() -> None:
    rig = salon(("41", "42", "50"), every=None)
    assert (fire(rig, "41"), fire(rig, "42")) == ("fired", "fired")
    rig.account.settings[ORG] = replace(rig.account.settings[ORG], review=Review(url=LINK, at_most_every_days=60))
    assert fire(rig, "50") == "review_too_soon"


def test_two_that_are_due_at_once_make_one_request_whoever_is_first() -> None:
    rig = salon(("41", "42"))
    dues = list(rig.schedules.kept.values())
    rig.clock.at = max(due.fires for due in dues)
    reader = rig.dispatcher()
    snapshots = [rig.dispatcher() for _ in dues]
    results = [which.dispatch([due])[0].reason for which, due in zip(snapshots, reversed(dues), strict=True)]
    assert sorted(results, key=str) == [None, "review_too_soon"]
    assert reader.dispatch(dues)
    assert [m.status for m in rig.account.found(ORG)].count("queued") == 1


def test_the_same_one_again_is_no_other_one() -> None:
    rig = salon()
    due = next(iter(rig.schedules.kept.values()))
    rig.clock.at = due.fires
    for _ in range(3):
        rig.dispatcher().dispatch([due])
    assert became(rig) == [("queued", None)]


@pytest.mark.parametrize("outcome", ["suppressed", "failed", "expired"])
def test_a_request_of_which_nothing_came_does_not_count(outcome: str) -> None:
    rig = salon(("41", "42"))
    fire(rig, "41")
    (first,) = rig.account.found(ORG)
    rig.account.messages[ORG, first.key] = replace(first, status=outcome)  # type: ignore[arg-type]
    assert fire(rig, "42") == "fired"


def test_one_that_was_noted_just_now_counts_although_its_message_is_not_there_yet() -> None:
    rig = salon()
    due = next(iter(rig.schedules.kept.values()))
    rig.review_requests.kept[ORG, "anna"] = Asked("appointments/7", NOW, due.fires - timedelta(seconds=1))
    assert fire(rig, "42") == "review_too_soon"
    later = salon()
    due = next(iter(later.schedules.kept.values()))
    later.review_requests.kept[ORG, "anna"] = Asked("appointments/7", NOW, due.fires - TAKING)
    assert fire(later, "42") == "fired"


def test_what_was_asked_under_a_former_id_counts() -> None:
    rig = salon(("41", "42"))
    fire(rig, "41")
    rig.review_requests.kept[ORG, "ann"] = rig.review_requests.kept.pop((ORG, "anna"))
    (sent,) = rig.account.found(ORG)
    place = message_key(ORG, sent.occasion, "client", "c:ann", "email")
    rig.account.messages = {(ORG, place): replace(sent, key=place)}
    rig.account.clients[ORG, "anna"] = replace(rig.account.clients[ORG, "anna"], merged=["ann"])
    assert fire(rig, "42") == "review_too_soon"


def test_it_needs_consent_to_marketing() -> None:
    rig = salon(consents=ConsentState(service={"email": True}))
    assert fire(rig, "42") == "consent_missing"
    assert rig.review_requests.kept == {}


def test_without_a_place_to_write_it_nothing_is_planned_and_what_was_planned_stays_silent() -> None:
    bare = salon(url=None)
    assert bare.record().plan == ()
    rig = salon()
    rig.account.settings[ORG] = replace(rig.account.settings[ORG], review=Review())
    assert fire(rig, "42") == "reminder_disabled"
    change = replan(rig.record(), rig.account.clients[ORG, "anna"], rig.account.settings[ORG], rig.clock)
    assert change is None  # what has come due stays in the plan
    queued = salon()
    fire(queued, "42")
    queued.account.settings[ORG] = replace(queued.account.settings[ORG], review=Review())
    queued.deliver("email")
    assert became(queued) == [("suppressed", "reminder_disabled")]


@pytest.mark.parametrize("status", ["cancelled", "no_show", "refused"])
def test_nobody_is_asked_about_what_did_not_take_place(status: str) -> None:
    rig = salon()
    due = next(iter(rig.schedules.kept.values()))
    rig.clock.at = due.fires - timedelta(minutes=30)
    book(rig, "42", status)
    assert list(rig.schedules.kept.values()) == []
    rig.clock.at = due.fires
    assert [done.result for done in rig.dispatcher().dispatch([due])] == ["stale_schedule"]
    sent = salon()
    fire(sent, "42")
    book(sent, "42", status)
    sent.deliver("email")
    assert became(sent) == [("suppressed", "superseded")]


def test_a_record_that_is_new_as_completed_asks_for_nothing() -> None:
    rig = salon(())
    book(rig, "42", "completed")
    assert rig.record().plan == ()


def test_explain_says_it_is_too_soon() -> None:
    rig = salon(("41", "42"))
    fire(rig, "41")
    explaining = Explaining(MemoryReader(rig.account), rig.connections, rig.clock, asking=rig.asking())
    (said,) = explaining.explain(ORG, Question(record=REF, reminder="review"))
    assert (said.would_send, said.decision.reason, said.level) == (False, "review_too_soon", "organization")
    assert fire(rig, "42") == "review_too_soon"


def test_a_request_costs_one_call_more_than_another_reminder() -> None:
    rig = salon()
    rig.line = Line()
    fire(rig, "42")
    assert rig.line.calls == ["read", "note", "create", "send_ready"]


@pytest.mark.parametrize("kind", KINDS)
def test_wherever_two_dispatchers_break_one_request_is_made(kind: Any) -> None:
    def story(line: Line) -> Rig:
        rig = salon(("41", "42"))
        dues = list(rig.schedules.kept.values())
        rig.clock.at, rig.line = max(due.fires for due in dues), line
        for due in dues:
            for _ in range(3):
                try:
                    rig.dispatcher().dispatch([due])
                except (Died, Failed):
                    continue
                break
        return rig

    whole = Line()
    story(whole)
    for at in range(1, len(whole.calls) + 1):
        rig = story(Line(at, kind))
        assert [m.status for m in rig.account.found(ORG)].count("queued") == 1, (at, kind)
        assert [m.reason for m in rig.account.found(ORG)].count("review_too_soon") == 1, (at, kind)
