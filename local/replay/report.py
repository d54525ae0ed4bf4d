"""The table that a replay prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table

from bench.recount_compare import Comparison
from local.replay.client import CloudClient

_FIRST = ("booked", "changed", "cancelled", "reminders planned", "reminders listed")
_SHOWN = 40


def print_report(console: Console, found: Comparison) -> None:
    """Print both counts row by row, then every difference."""
    table = Table(title="What came of the bookings")
    table.add_column("")
    for name in ("system", "recount"):
        table.add_column(name, justify="right")
    table.add_column("")
    for row in _rows(found):
        mine, theirs = found.recount[row], found.system[row]
        table.add_row(row, str(theirs), str(mine), "[green]✓[/]" if mine == theirs else "[red]≠[/]")
    table.add_section()
    for name, lines in (("lost", found.lost), ("doubled", found.doubled), ("other differences", found.differences)):
        table.add_row(name, str(len(lines)), "0", "[red]≠[/]" if lines else "[green]✓[/]")
    console.print(table)
    for name, lines in (("Lost", found.lost), ("Doubled", found.doubled), ("Different", found.differences)):
        if lines:
            console.print(f"[red]{name}:[/]")
        for line in lines[:_SHOWN]:
            console.print(f"  {line}", markup=False, soft_wrap=True)
        if len(lines) > _SHOWN:
            console.print(f"  … and {len(lines) - _SHOWN} more")


def _rows(found: Comparison) -> Iterator[str]:
    yield from _FIRST
    yield from sorted((found.system.keys() | found.recount.keys()) - set(_FIRST))


def print_times(console: Console, client: CloudClient, total_s: float) -> None:
    """Print how long it took, and where the time went."""
    table = Table(title=f"Duration: {total_s:.0f} s")
    for name in ("call", "times", "seconds", "ms each"):
        table.add_column(name, justify="left" if name == "call" else "right")
    for kind, seconds in sorted(client.seconds.items(), key=lambda item: -item[1]):
        calls = client.calls[kind]
        table.add_row(kind, str(calls), f"{seconds:.1f}", f"{1000 * seconds / calls:.0f}")
    console.print(table)


def print_calls(console: Console, calls: Mapping[str, int], bookings: int) -> None:
    """Print what the functions called meanwhile, in all and for each booking."""
    table = Table(title="Calls that the functions made")
    for name in ("call", "times", "per booking"):
        table.add_column(name, justify="left" if name == "call" else "right")
    for name, times in sorted(calls.items(), key=lambda item: -item[1]):
        table.add_row(name, str(times), f"{times / bookings:.2f}")
    console.print(table)
