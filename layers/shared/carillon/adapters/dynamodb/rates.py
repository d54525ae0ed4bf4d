"""How far the lanes of an organization's rate are given away: one item, written once per batch and only in bursts."""

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain.rates import SECOND, Lane, Rate, Taking, Used

KEEP_SECONDS = 86_400
"""How long the item stays after its last slot; without it both lanes are unused, as they are by then."""


class DynamoRates:
    """See the port `Rates`.

    Whoever knows that a lane is given away beyond now adds to it, so that those who write in a burst don't refuse each
    other. Only where a lane begins anew at now, all but the first are told that they were wrong.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, org_id: str, rate: Rate, taking: Taking, believed: Used, now: int) -> tuple[bool, Used]:
        """Take slots of both lanes in one write."""
        ends = max(
            rate.general.after(believed.general, taking.general, now), rate.kept.after(believed.kept, taking.kept, now)
        )
        sets, conditions = ["#ty = :ty", "#ttl = :ttl"], []
        values: dict[str, object] = {"ty": "rate", "ttl": ends // SECOND + KEEP_SECONDS, "now": now}
        asked = (
            ("g", rate.general, taking.general, believed.general),
            ("k", rate.kept, taking.kept, believed.kept),
        )
        for name, lane, count, tat in asked:
            if count:
                sets.append(_step(name, lane, count, tat, now, values))
                conditions.append(
                    f"#{name} > :now" if tat > now else f"(attribute_not_exists(#{name}) OR #{name} <= :now)"
                )
        if taking.general and taking.within is not None:
            conditions.append("(attribute_not_exists(#g) OR #g <= :within)")
            values["within"] = taking.within
        write = Write(
            keys.rate(org_id),
            update=f"SET {', '.join(sets)}",
            condition=" AND ".join(conditions),
            values=values,
            names={"ty": "ty", "ttl": "ttl"} | {name: name for name, _, count, _ in asked if count},
        )
        taken, item = self._table.change(write)
        used = Used(int(item.get("g", 0)), int(item.get("k", 0)))
        if not taken:
            return False, used
        return True, Used(
            used.general - taking.general * rate.general.interval, used.kept - taking.kept * rate.kept.interval
        )


def _step(name: str, lane: Lane, count: int, tat: int, now: int, values: dict[str, object]) -> str:
    """Spell how a lane moves on: from where it is, or from now."""
    values[f"d{name}"] = count * lane.interval if tat > now else now + count * lane.interval
    return f"#{name} = #{name} + :d{name}" if tat > now else f"#{name} = :d{name}"
