"""The README's first reminder, run as it stands there."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.running_cloud import RunningCloud, start_cloud

SCRIPT: Final = Path(__file__).parents[2] / "docs" / "examples" / "first-reminder.sh"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    cloud = start_cloud(tmp_path_factory.mktemp("first") / "local", probe=False, DEMO="1")
    yield cloud
    cloud.stop()


def run(demo: RunningCloud) -> list[dict[str, Any]]:
    """Run the script, and read the answers that it prints one after the other."""
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT)],
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "LOCAL_DIR": str(demo.state_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    answers, position = [], 0
    while position < len(done.stdout):
        answer, position = json.JSONDecoder().raw_decode(done.stdout, position)
        answers.append(answer)
        position += len(done.stdout[position:]) - len(done.stdout[position:].lstrip())
    return answers


def test_the_readme_s_first_reminder_is_planned_sent_and_delivered(demo: RunningCloud) -> None:
    client, appointment, _, messages = run(demo)
    assert client["phone"] == "+3197010000142"
    assert appointment["events"] == ["appointment.booked"]
    assert [reminder["key"] for reminder in appointment["reminders"]] == ["day_before", "morning_of"]
    told = [(message["channel"], message["key"], message["status"]) for message in messages["items"]]
    assert told == [
        ("whatsapp", "reminder.morning_of", "delivered"),
        ("whatsapp", "reminder.day_before", "delivered"),
        ("email", "appointment.booked.console", "delivered"),
    ]
    steps = [step["status"] for step in messages["items"][1]["timeline"]]
    assert steps == ["queued", "sending", "sent", "delivered"]
