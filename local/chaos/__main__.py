"""`python -m local.chaos --seed 1 --count 40`: plays bookings under faults and prints what came of them."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.chaos.bookings import make
from local.chaos.play import Outcome, Simulation
from local.chaos.report import print_outcome
from local.replay import hotel, own_format
from local.replay.bookings import BookingFile, InvalidFileError, read_file
from local.replay.client import RefusedError
from local.replay.cloud import Addresses, CloudFailedError, own_cloud

_READERS = {hotel.REQUIRED: hotel.read, own_format.REQUIRED: own_format.read}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a command. 0: all is accounted for; 1: something was lost, doubled or wrong; 2: it could not be played."""
    options = _options(arguments)
    console = Console(highlight=False)
    try:
        told = read_file(options.file, _READERS).first(options.count) if options.file else None
        with own_cloud(options.keep) as addresses:
            clean = [_run(console, addresses, seed, options, told) for seed in options.seed]
    except (InvalidFileError, CloudFailedError, RefusedError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0 if all(clean) else 1


def _run(
    console: Console, addresses: Addresses, seed: int, options: argparse.Namespace, told: BookingFile | None
) -> bool:
    """Simulate one seed and print what came of it; answers whether all is accounted for."""
    begin = time.perf_counter()
    file = told or make(options.count, datetime.now(UTC).date() + timedelta(days=3), seed)
    outcome = _simulate(console, addresses, seed, options.pace, file)
    print_outcome(console, seed, len(file.bookings), outcome)
    console.print(f"{time.perf_counter() - begin:.0f} s, beside the cloud's start.")
    return outcome.clean


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="draw bookings, faults and their rates (1)")
    parser.add_argument("--count", type=int, default=40, help="how many bookings (40)")
    parser.add_argument("--file", type=Path, default=None, help="bookings to play instead, as make replay takes them")
    parser.add_argument("--pace", default="PT15M", help="how often the sweep runs, an ISO 8601 duration (PT15M)")
    parser.add_argument("--keep", type=Path, default=None, help="keep the local cloud's state and logs in this folder")
    return parser.parse_args(arguments)


def _simulate(console: Console, addresses: Addresses, seed: int, pace: str, file: BookingFile) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    simulation = Simulation(addresses, seed, pace)
    try:
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("chaos", total=None)
            return simulation.run(
                file, lambda done, at: bar.update(task, completed=done, description=f"{at:%Y-%m-%d %H:%M}")
            )
    finally:
        simulation.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the cloud ends too
    sys.exit(main())
