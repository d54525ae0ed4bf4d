"""A simulation foresees what shared days and rare reviews spare, and what went out before it, in a few calls."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from carillon.domain.clients import ConsentState
from carillon.domain.codec import from_data
from carillon.domain.settings import Reminder, Review, Settings
from carillon.domain.times import iso
from carillon.ports.delivery import Outcome
from carillon.services.appointments import AppointmentInput
from carillon.services.simulating import Simulating
from carillon.services.simulation_documents import SimulationInput
from tests.builders import NOW, ORG, client, reminder
from tests.fakes import MemoryClientDays, MemoryDueRows, MemoryReader, MemoryRecords
from tests.faults import Line
from tests.rig import CALLER, Rig

EVE = [reminder("day_before", days_before=1, at="18:00", channels=["email"])]
HOUR = [reminder("hour_before", before="PT1H", channels=["email"])]
ASKED = [reminder("review", after_end="PT1H", channels=["email"])]
AGREED = ConsentState(service={"email": True, "sms": True}, marketing={"email": True})
DAY = ("2026-12-01T10:00:00", "2026-12-01T12:00:00", "2026-12-01T15:00:00")
MONTHLY = Review(url="https://example.com/review", at_most_every_days=30)
Told = tuple[dict[str, int], dict[str, int]]


def salon(reminders: list[Reminder], starts: tuple[str, ...] = DAY, **of: Any) -> Rig:
    rig = Rig(**of)
    rig.account.clients[ORG, "anna"] = client(reminders=reminders, consents=AGREED, custom=True)
    for number, start in enumerate(starts):
        book(rig, str(number), start)
    return rig


def book(rig: Rig, name: str, start: str, client_id: str = "anna") -> None:
    stated = AppointmentInput(client_id=client_id, start=start, duration_minutes=30, status="booked", notify=False)
    rig.appointments().put(CALLER, name, stated)
    rig.planner().follow(ORG, f"appointments/{name}", (client_id,))


def fire(rig: Rig, name: str) -> None:
    """Fire the one reminder of an appointment, and send it."""
    (place,) = [each for each, due in rig.schedules.kept.items() if due.record == f"appointments/{name}"]
    due = rig.schedules.kept.pop(place)
    rig.clock.at = due.fires
    rig.dispatcher().dispatch([due])
    rig.deliver("email")


def simulated(rig: Rig, end: datetime | None = None, line: Line | None = None, **changed: Any) -> Told:
    """Simulate from now on; gives what goes by channel, and what doesn't by reason."""
    watch = (line or Line()).watch
    service = Simulating(
        watch(MemoryReader(rig.account)),
        watch(MemoryRecords(rig.account)),
        watch(MemoryDueRows(rig.account)),
        rig.connections,
        rig.composer,
        rig.clock,
        watch(MemoryClientDays(rig.account)),
        watch(rig.review_requests),
    )
    span = iso(rig.clock.at), iso(end or rig.clock.at + timedelta(days=14))
    asked = SimulationInput(from_=span[0], to=span[1], settings=changed or None)
    said = service.simulate(ORG, asked, lambda base: from_data(Settings, base | changed))
    going = {
        each.channel: sum(item.count for item in said.going if item.channel == each.channel) for each in said.going
    }
    return going, dict(said.silent)


def test_a_days_first_reminder_stands_for_the_others_if_the_simulated_settings_say_so() -> None:
    assert simulated(salon(EVE)) == ({"email": 3}, {})
    assert simulated(salon(EVE), collapse_same_day=True) == ({"email": 1}, {"duplicate": 2})
    assert simulated(salon(EVE, collapse_same_day=True)) == ({"email": 1}, {"duplicate": 2})
    assert simulated(salon(HOUR, collapse_same_day=True)) == ({"email": 1}, {"duplicate": 2})


def test_a_text_that_lists_nothing_spares_nothing() -> None:
    rig = salon(EVE, collapse_same_day=True)
    rig.composer.lists = False
    assert simulated(rig) == ({"email": 3}, {})


def test_what_was_sent_before_spares_what_it_listed() -> None:
    rig = salon(HOUR, collapse_same_day=True)
    fire(rig, "0")
    assert simulated(rig) == ({}, {"duplicate": 2})
    book(rig, "9", "2026-12-01T17:00:00")
    assert simulated(rig) == ({"email": 1}, {"duplicate": 2})


def test_what_was_not_sent_before_spares_nothing() -> None:
    rig = salon(HOUR, DAY[:2], collapse_same_day=True)
    rig.provider.script = [Outcome("permanent", reason="recipient_rejected")]
    fire(rig, "0")
    assert simulated(rig) == ({"email": 1}, {})


def test_a_first_one_that_still_waits_to_be_sent_is_expected_to_go() -> None:
    rig = salon(HOUR, DAY[:2], collapse_same_day=True)
    due = min(rig.schedules.kept.values(), key=lambda due: due.fires)
    rig.clock.at = due.fires
    rig.dispatcher().dispatch([due])
    assert rig.only().status == "queued"
    assert simulated(rig) == ({}, {"duplicate": 1})


def test_a_day_that_reaches_beyond_what_the_settings_remind_of_is_read_whole() -> None:
    own = [reminder("own", before="PT240H", channels=["email"])]
    rig = salon(own, ("2026-12-06T00:10:00", "2026-12-06T23:50:00"), collapse_same_day=True)
    line = Line()
    # Only the second one's reminder is due in the span, the first one's is before it.
    fire(rig, "0")
    assert simulated(rig, NOW + timedelta(days=4), line) == ({}, {"duplicate": 1})
    assert "starting" in line.calls


def test_a_client_is_asked_for_a_review_once_in_the_simulated_interval() -> None:
    visits = (DAY[0], "2026-12-03T10:00:00")
    rig = salon(ASKED, visits, review=Review(url=MONTHLY.url))
    assert simulated(rig) == ({"email": 2}, {})
    assert simulated(rig, review=vars(MONTHLY)) == ({"email": 1}, {"review_too_soon": 1})
    assert simulated(rig, review=vars(MONTHLY) | {"at_most_every_days": 1}) == ({"email": 2}, {})


@pytest.mark.parametrize("refused", [False, True])
def test_an_earlier_request_counts_if_something_came_of_it(refused: bool) -> None:
    rig = salon(ASKED, (DAY[0], "2026-12-03T10:00:00"), review=MONTHLY)
    rig.provider.script = [Outcome("permanent", reason="recipient_rejected")] if refused else []
    fire(rig, "0")
    rig.clock.at += timedelta(hours=2)
    kept = dict(rig.review_requests.kept)
    assert simulated(rig) == (({"email": 1}, {}) if refused else ({}, {"review_too_soon": 1}))
    assert rig.review_requests.kept == kept


def test_a_request_between_now_and_the_span_stands_in_the_way_of_one_in_it() -> None:
    rig = salon(ASKED, (DAY[0], "2026-12-20T10:00:00"), review=MONTHLY)
    start, end = iso(NOW + timedelta(days=20)), iso(NOW + timedelta(days=30))
    service = Simulating(
        MemoryReader(rig.account),
        MemoryRecords(rig.account),
        MemoryDueRows(rig.account),
        rig.connections,
        rig.composer,
        rig.clock,
        MemoryClientDays(rig.account),
        rig.review_requests,
    )
    said = service.simulate(ORG, SimulationInput(from_=start, to=end), lambda base: from_data(Settings, base))
    assert (said.going, said.silent) == ([], [("review_too_soon", 1)])


def test_many_clients_cost_no_more_calls_than_few() -> None:
    def calls(clients: int) -> list[str]:
        rig = salon([*EVE, *ASKED], (), collapse_same_day=True, review=MONTHLY)
        for number in range(clients):
            name = f"c{number}"
            rig.account.clients[ORG, name] = client(name, reminders=[*EVE, *ASKED], consents=AGREED)
            for place, start in enumerate(DAY):
                book(rig, f"{name}-{place}", start, name)
        line = Line()
        assert simulated(rig, line=line)[0] == {"email": 2 * clients}
        return line.calls

    assert calls(1) == calls(10)
