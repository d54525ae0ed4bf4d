"""The clock of the local cloud: moved by hand, never back, kept over restarts; nothing is left running."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.running_cloud import RunningCloud, StartCloud

GROUP = "carillon-reminders"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_move_ends_where_it_was_told_and_the_functions_see_it(cloud: RunningCloud) -> None:
    target = (moment(cloud.now()) + timedelta(days=3)).strftime("%Y-%m-%dT12:00:00Z")
    answer = cloud.tools.post("/clock", json={"now": target})
    assert answer.status_code == 200
    assert moment(target) <= moment(answer.json()["now"]) < moment(target) + timedelta(seconds=5)
    seen = moment(cloud.api.get("/open/time").json()["now"])
    assert moment(target) <= seen < moment(target) + timedelta(seconds=60)


@pytest.mark.parametrize(
    "body",
    [
        {"now": "2020-01-01T00:00:00Z"},
        {"now": "tomorrow"},
        {"now": "2030-01-01T00:00:00"},
        {"advance": "-PT1H"},
        {"advance": "P1M"},
        {"advance": "P"},
        {"advance": "P99999999D"},
        {"advance": "PT1H", "now": "2030-01-01T00:00:00Z"},
        {},
        [],
    ],
)
def test_a_move_that_makes_no_sense_is_422_and_changes_nothing(probe_cloud: RunningCloud, body: object) -> None:
    before = moment(probe_cloud.now())
    assert probe_cloud.tools.post("/clock", json=body).status_code == 422
    assert moment(probe_cloud.now()) - before < timedelta(minutes=1)


def test_housekeeping_runs_at_most_daily_in_a_move_and_once_at_its_end(cloud: RunningCloud) -> None:
    cloud.advance("PT3H")
    assert len(cloud.seen("sweep")) == 1
    cloud.advance("P10D")
    assert len(cloud.seen("sweep")) in range(10, 13)


def test_housekeeping_keeps_the_pace_that_is_asked_for(cloud: RunningCloud) -> None:
    answer = cloud.tools.post("/clock", json={"advance": "PT2H", "housekeeping": "PT15M"})
    assert answer.status_code == 200
    assert len(cloud.seen("sweep")) in (7, 8)
    assert cloud.tools.post("/clock", json={"advance": "PT2H", "housekeeping": "often"}).status_code == 422


def test_the_clock_and_everything_stored_survive_a_restart(start: StartCloud) -> None:
    first = start()
    first.advance("P20D")
    before = moment(first.now())
    due = (before + timedelta(hours=5)).strftime("at(%Y-%m-%dT%H:%M:%S)")
    first.aws("scheduler").create_schedule(
        Name="kept",
        GroupName=GROUP,
        ScheduleExpression=due,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": f"arn:aws:sqs:{first.facts['region']}:000000000000:carillon-WorkQueue",
            "RoleArn": "arn:aws:iam::000000000000:role/carillon-SchedulerRole",
            "Input": "scheduled",
        },
    )
    queue = first.queue_url("carillon-WorkQueue")
    first.aws("sqs").send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=600)
    first.stop()

    second = start()
    assert moment(second.now()) >= before
    assert second.facts["operator_key"] == first.facts["operator_key"]
    second.advance("PT6H")
    assert [entry["text"] for entry in second.seen("work")] == ["delayed", "scheduled"]
    second.stop()

    third = start(FRESH="1")
    assert third.seen("work") == []
    assert third.facts["operator_key"] != first.facts["operator_key"]


def processes_of(state_dir: Path) -> set[int]:
    """Find the processes whose command line or environment names the state folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(state_dir).encode() in text:
                found.add(int(entry.name))
    return found


def gone(state_dir: Path) -> bool:
    deadline = time.monotonic() + 20
    while processes_of(state_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes_of(state_dir)


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to look for processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_running_however_it_ends(start: StartCloud, number: int) -> None:
    cloud = start()
    cloud.api.get("/open/plain")
    cloud.aws("sqs").send_message(QueueUrl=cloud.queue_url("carillon-PlainQueue"), MessageBody="kept")
    cloud.advance("PT1S")
    assert len(processes_of(cloud.state_dir)) >= 3
    cloud.process.send_signal(number)
    cloud.process.wait(timeout=30)
    assert gone(cloud.state_dir)
    again = start()
    assert [entry["text"] for entry in again.seen("work")] == ["kept"]


def test_two_clouds_never_share_one_state(start: StartCloud, probe_cloud: RunningCloud) -> None:
    assert probe_cloud.process.poll() is None
    start()
    with pytest.raises(AssertionError, match="running on"):
        start()


@pytest.mark.parametrize("headers", [{"Origin": "https://example.com"}, {"Host": "rebound.example.com"}])
def test_a_foreign_page_in_the_browser_can_do_nothing(probe_cloud: RunningCloud, headers: dict[str, str]) -> None:
    before = moment(probe_cloud.now())
    answer = probe_cloud.tools.post("/clock", json={"advance": "P1D"}, headers=headers)
    assert answer.status_code == 403
    assert moment(probe_cloud.now()) - before < timedelta(minutes=1)


def test_moves_at_the_same_time_add_up(probe_cloud: RunningCloud) -> None:
    before = moment(probe_cloud.now())
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(probe_cloud.advance, ["PT1H", "PT2H", "PT3H"]))
    assert moment(probe_cloud.now()) - before >= timedelta(hours=6)


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to look for processes")
def test_the_cloud_ends_when_its_backend_does(start: StartCloud) -> None:
    cloud = start()
    commands = {process: Path(f"/proc/{process}/cmdline").read_bytes() for process in processes_of(cloud.state_dir)}
    (backend,) = [process for process, command in commands.items() if b"backend_server" in command]
    os.kill(backend, signal.SIGKILL)
    assert cloud.process.wait(timeout=30) == 1
    assert gone(cloud.state_dir)
