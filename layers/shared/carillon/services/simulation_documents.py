"""What a simulation is asked, and what it says; apart from what it runs, which its door loads on first use."""

from typing import Any

from carillon.domain.constraints import document
from carillon.domain.spans import Moment, Span
from carillon.domain.values import value


@document
class SimulationInput:
    """From when to when (instants, or days of the organization's own, `to` included), at most 14 days.

    `settings`: fields of the settings as they would be; those left out are as they are. With `reminders` among them,
    clients whose reminders nobody has edited are counted with these, as after applying them.
    """

    from_: Moment
    to: Moment
    settings: dict[str, Any] | None = None


@value
class Going:
    """How many messages would go out on a day over a channel; `parts`: of SMS."""

    day: str
    channel: str
    count: int
    parts: int | None


@value
class Simulated:
    """What would go out, and how many reminders would not, by reason. `truncated`: there are more records."""

    span: Span
    records: int
    truncated: bool
    going: list[Going]
    silent: list[tuple[str, int]]
