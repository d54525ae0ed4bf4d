"""A short fault simulation: whatever fails, each message is sent once, or says honestly why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.chaos.__main__ import main

SEEDS = ("3", "20", "2026")


@pytest.mark.enable_socket
def test_nothing_is_lost_or_doubled_under_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--seed", *SEEDS, "--count", "4", "--pace", "PT2H", "--keep", str(tmp_path / "cloud")]
    status = main(arguments)
    said = capsys.readouterr().out
    assert status == 0, said
    assert all(f"Seed {seed}: 4 bookings" in said for seed in SEEDS)
    for row in ("once", "lost", "doubled", "not planned", "quota not exact", "crash_after", "timeout_after"):
        assert row in said


def test_a_file_that_cannot_be_read_is_not_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--file", str(tmp_path / "missing.csv")]) == 2
    assert "can't be read" in capsys.readouterr().out
