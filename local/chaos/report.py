"""The tables that a simulation prints."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from local.chaos.play import Outcome

_SHOWN = 40
_GOOD = ("once", "suppressed as expected")


def print_outcome(console: Console, seed: int, bookings: int, outcome: Outcome) -> None:
    """Print what came of the expected messages, then the faults that struck, then all that should not be."""
    found = outcome.judgement
    table = Table(title=f"Seed {seed}: {bookings} bookings, {found.expected} messages expected", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for (row, reason), count in sorted(found.rows.items(), key=lambda item: (item[0][0] not in _GOOD, item[0])):
        if row not in ("lost", "doubled", "wrong"):
            table.add_row(f"{row}: {reason}" if reason else row, str(count))
    table.add_section()
    for name, lines in _complaints(outcome).items():
        table.add_row(f"[red]{name}[/]" if lines else name, str(len(lines)))
    console.print(table)
    print_struck(console, outcome)
    for name, lines in _complaints(outcome).items():
        if lines:
            console.print(f"[red]{name.capitalize()}:[/]")
        for line in lines[:_SHOWN]:
            console.print(f"  {line}", markup=False, soft_wrap=True)
        if len(lines) > _SHOWN:
            console.print(f"  … and {len(lines) - _SHOWN} more")


def _complaints(outcome: Outcome) -> dict[str, list[str]]:
    found = outcome.judgement
    held = {"not planned": outcome.unplanned, "quota not exact": outcome.unbalanced}
    return {"lost": found.lost, "doubled": found.doubled, "wrong": found.wrong, **held}


def print_struck(console: Console, outcome: Outcome) -> None:
    """Print how often which fault struck, what the API's client repeated, and what lies in dead-letter queues."""
    targets = sorted({target for target, _ in outcome.struck})
    kinds = sorted({kind for _, kind in outcome.struck})
    table = Table(title=f"{sum(outcome.struck.values())} faults struck")
    table.add_column("")
    for target in targets:
        table.add_column(target, justify="right")
    for kind in kinds:
        counts = (outcome.struck.get((target, kind)) for target in targets)
        table.add_row(kind, *("" if count is None else str(count) for count in counts))
    console.print(table)
    repeats = ", ".join(f"{why} {count}x" for why, count in sorted(outcome.repeats.items())) or "none"
    console.print(f"Calls of the API that its client repeated: {repeats}.", soft_wrap=True)
    dead = ", ".join(f"{name} {count}" for name, count in sorted(outcome.dead_letters.items())) or "none"
    console.print(f"Dead letters: {dead}.", soft_wrap=True)
