"""The pages of a re-planning run: each asked for once, whatever the queue brings twice and whoever dies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from carillon.ports.upkeep import Run
from carillon.services import replanning
from carillon.services.appointments import AppointmentInput
from carillon.services.replanning import Replanner
from tests.builders import ORG, settings
from tests.doubles import CountingIds, MemoryQueues
from tests.fakes import MemoryReader, MemoryRecords
from tests.faults import Died, Failed, Line, lines
from tests.rig import CALLER, Rig

APPOINTMENTS = 6


@dataclass
class MemoryRuns:
    """See the port `Runs`."""

    run: Run | None = None

    def load(self, org_id: str) -> Run | None:  # noqa: ARG002
        return self.run

    def start(self, org_id: str, run: Run, *, over: Run | None) -> bool:
        return self._put(run, over) if over is not None else self.advance(org_id, self.run, run)

    def advance(self, org_id: str, run: Run | None, following: Run) -> bool:  # noqa: ARG002
        return self._put(following, run)

    def asked(self, org_id: str, run: Run) -> None:  # noqa: ARG002
        self._put(replace(run, asked=True), run)

    def _put(self, run: Run, over: Run | None) -> bool:
        here = self.run and (self.run.id, self.run.position)
        if here != (over and (over.id, over.position)):
            return False
        self.run = run
        return True


class Story:
    """Six appointments, and a run over them in pages of one."""

    def __init__(self, line: Line | None = None) -> None:
        self.rig, self.line, self.jobs, self.pages = Rig(), line or Line(), MemoryQueues(), 0
        for number in range(APPOINTMENTS):
            stated = AppointmentInput(
                client_id="anna", start=f"2026-12-0{number + 1}T14:30:00", duration_minutes=45, status="booked"
            )
            self.rig.appointments().put(CALLER, str(number), stated)
        self.rig.account.settings[ORG] = settings(time_zone="Europe/London")
        watched = self.line.watch
        self.replanner = Replanner(
            watched(MemoryReader(self.rig.account)),
            watched(MemoryRecords(self.rig.account)),
            watched(MemoryRuns()),
            watched(self.jobs),
            self.rig.clock,
            CountingIds(),
        )

    def play(self, *, twice: bool) -> None:
        """Change the settings, then do what is on the queue until nothing is."""
        self._through(lambda: self.replanner.begin(ORG, "settings", 2))
        while self.jobs.jobs:
            job: Mapping[str, Any] = self.jobs.jobs.pop(0)
            for _ in range(2 if twice else 1):
                self._through(lambda job=job: self.replanner.page(ORG, job["run"], job["position"]))
            self.pages += 1
            assert self.pages < 100

    def _through(self, step: Any) -> None:
        try:
            step()
        except (Died, Failed):
            step()

    def moved(self) -> int:
        zone = "Europe/London"
        records = self.rig.account.records.values()
        return sum(record.start == record.appointment.starts(zone) for record in records)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replanning, "PAGE", 1)


def test_a_queue_that_brings_every_page_twice_makes_no_more_pages() -> None:
    story = Story()
    story.play(twice=True)
    assert (story.pages, story.moved()) == (APPOINTMENTS, APPOINTMENTS)


def test_a_change_that_is_heard_of_twice_is_one_run() -> None:
    story = Story()
    assert story.replanner.begin(ORG, "settings", 2)
    assert not story.replanner.begin(ORG, "settings", 2)
    assert len(story.jobs.jobs) == 1


def test_all_of_a_clients_appointments_ahead_are_planned_anew_not_the_first_page_only() -> None:
    story = Story()
    assert story.replanner.client(ORG, "anna") == APPOINTMENTS
    assert story.moved() == APPOINTMENTS
    assert story.replanner.client(ORG, "anna") == 0


def test_whoever_dies_wherever_every_page_is_done() -> None:
    whole = Story()
    whole.play(twice=False)
    for line in lines(len(whole.line.calls)):
        story = Story(line)
        story.play(twice=False)
        assert story.moved() == APPOINTMENTS, (line.at, line.kind)
        assert story.pages <= APPOINTMENTS + 1, (line.at, line.kind)
