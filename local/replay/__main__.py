"""`python -m local.replay FILE`: plays a file of bookings and prints what came of it beside an independent recount."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.recount import World, recount
from bench.recount_compare import compare
from local.replay import hotel, own_format
from local.replay.bookings import BookingFile, InvalidFileError, read_file
from local.replay.client import CloudClient, RefusedError
from local.replay.cloud import Addresses, CloudFailedError, own_cloud
from local.replay.player import Player, set_up, staff_of, whatsapp_has_templates
from local.replay.report import print_calls, print_report, print_times
from local.replay.steps import Step, make_steps, shift_days

_READERS = {hotel.REQUIRED: hotel.read, own_format.REQUIRED: own_format.read}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a command. 0: system and recount agree; 1: they differ; 2: it could not be played."""
    parser = argparse.ArgumentParser(prog="python -m local.replay", description=__doc__)
    parser.add_argument("file", type=Path, help="CSV with the columns of docs/replay.md or of the hotel data set")
    parser.add_argument("--limit", type=int, default=None, help="play only the first LIMIT bookings")
    parser.add_argument("--keep", type=Path, default=None, help="keep the local cloud's state and logs in this folder")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    try:
        file = read_file(options.file, _READERS)
        with own_cloud(options.keep) as addresses:
            return _replay(console, file.first(options.limit), addresses)
    except (InvalidFileError, CloudFailedError, RefusedError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        return 130


def _replay(console: Console, file: BookingFile, addresses: Addresses) -> int:
    begin = time.perf_counter()
    client = CloudClient(addresses)
    try:
        before = Counter[str](client.tools("count calls", "GET", "/calls.json"))
        days = shift_days(file.bookings, client.now.date())
        steps = make_steps(file, days)
        for note in (*file.notes, *_shift_note(days)):
            console.print(note, markup=False, soft_wrap=True)
        client.move_to(steps[0].at.replace(hour=0, minute=0))
        key, settings = set_up(client, file)
        templates = whatsapp_has_templates(client, key)
        if not templates:
            console.print("WhatsApp has no approved templates here: the next channel gets its turn.")
        player = _play(console, client, key, steps)
        calls = Counter[str](client.tools("count calls", "GET", "/calls.json")) - before
    finally:
        client.close()
    world = World(settings, staff_of(file), whatsapp_templates=templates)
    found = compare(steps, recount(steps, world), player.seen)
    print_report(console, found)
    print_times(console, client, time.perf_counter() - begin)
    print_calls(console, calls, len(file.bookings))
    console.print(
        f"{len(file.bookings)} bookings, {len(steps)} steps from {steps[0].at:%Y-%m-%d} to {steps[-1].at:%Y-%m-%d}; "
        f"a step was worked off {player.latest.total_seconds():.0f} s after its instant at the latest."
    )
    return 0 if found.agrees else 1


def _play(console: Console, client: CloudClient, key: str, steps: Sequence[Step]) -> Player:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("replay", total=len(steps))

        def progress(done: int, at: datetime) -> None:
            bar.update(task, completed=done, description=f"{at:%Y-%m-%d}")

        player = Player(client, key, progress)
        player.play(steps)
    return player


def _shift_note(days: int) -> tuple[str, ...]:
    if not days:
        return ()
    return (f"The file's days are moved on by {days // 7} weeks ({days} days), as the clock never goes back.",)


if __name__ == "__main__":
    sys.exit(main())
