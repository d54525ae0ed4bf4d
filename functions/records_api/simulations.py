"""What would go out under changed settings."""

from typing import Any

from carillon.bootstrap import simulations as bootstrap
from carillon.domain.channels import Channel
from carillon.domain.constraints import Instant, document
from carillon.domain.errors import Fault, Invalid
from carillon.domain.settings import Settings
from carillon.domain.times import iso
from carillon.runtime.http import MANAGERS, Answer, Call, Draft, Routes
from carillon.services.simulation_documents import Simulated, SimulationInput

routes = Routes()


@document
class GoingView:
    """How many messages would go out on a day over a channel. `parts`: of SMS, as they would be written; else null."""

    day: str
    channel: Channel
    count: int
    parts: int | None


@document
class SilentView:
    """How many reminders would reach nobody, for this reason."""

    reason: str
    count: int


@document
class SimulationView:
    """What would go out; `from` is now at the earliest.

    `records`: how many appointments were looked at; `truncated`: there are more than one call looks at, so the counts
    are too low.
    """

    from_: Instant
    to: Instant
    records: int
    truncated: bool
    items: list[GoingView]
    not_sent: list[SilentView]


@routes.post("/v1/simulations", roles=MANAGERS, errors=("notifications_inactive",))
def simulate(call: Call, body: Draft[SimulationInput]) -> Answer[SimulationView]:
    """Count what would go out between two instants, by day and channel, under changed settings; nothing is written.

    Looked at are reminders and review requests of appointments as they stand now: at most 14 days and 2,000
    appointments. Events, recaps and messages by hand are not foreseen, and neither are failures and quotas.
    """

    def read(base: dict[str, Any]) -> Settings:
        given = body.given.get("settings") or {}
        try:
            return Draft(Settings, given).over(base)
        except Invalid as error:
            below = [Fault(f"/settings{each.pointer}", each.code, each.message) for each in error.faults]
            raise Invalid(below) from error

    return Answer(_view(bootstrap.simulating().simulate(call.org_id, body.value(), read)))


def _view(found: Simulated) -> SimulationView:
    if found.span.since is None or found.span.until is None:
        raise ValueError("a simulation has a beginning and an end")
    return SimulationView(
        from_=iso(found.span.since),
        to=iso(found.span.until),
        records=found.records,
        truncated=found.truncated,
        items=[
            GoingView(day=each.day, channel=each.channel, count=each.count, parts=each.parts)  # type: ignore[arg-type]
            for each in found.going
        ],
        not_sent=[SilentView(reason=reason, count=count) for reason, count in found.silent],
    )
