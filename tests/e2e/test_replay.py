"""A short replay of the generated example: the system's count is the recount's, to the message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.replay import example, own_format
from local.replay.__main__ import main


@pytest.mark.enable_socket
def test_the_system_does_what_the_recount_expects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bookings.csv"
    first = datetime.now(UTC).date() + timedelta(days=3)
    with path.open("w", encoding="utf-8") as file:
        own_format.write(example.make(10, first, 2, seed=11), file)
    status = main([str(path), "--keep", str(tmp_path / "cloud")])
    said = capsys.readouterr().out
    assert status == 0, said
    for row in (
        "booked",
        "changed",
        "cancelled",
        "reminders planned",
        "sent: email",
        "sent: whatsapp",
        "lost",
        "doubled",
        "dynamodb.UpdateItem",
        "scheduler.POST",
        "twilio.POST",
    ):
        assert row in said


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bookings.csv"
    path.write_text("name\nx\n")
    assert main([str(path)]) == 2
    assert "lacks columns" in capsys.readouterr().out
