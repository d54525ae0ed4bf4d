"""Which schedules of recaps a data set has: one item, whose plan and marks are written apart from each other."""

import json
from datetime import UTC, datetime

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.table import Table, Write
from carillon.domain.recaps import KINDS, Cron, CronPlan, RecapKind
from carillon.domain.times import epoch, iso, parse_instant

KIND_OF_ITEM = "recaps"
MARKS: dict[RecapKind, str] = {"staff": "ds", "managers": "dm"}


class DynamoRecapPlans:
    """See the port `RecapPlans`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, org_id: str) -> CronPlan:
        """Read the plan; an empty one where there is none."""
        item = self._table.get(keys.recaps(org_id))
        return plan_from_item(item) if item is not None else CronPlan()

    def save(self, org_id: str, plan: CronPlan, *, over: int) -> bool:
        """Write a plan over the version that was read; what is done stays as it is."""
        values = {"ty": KIND_OF_ITEM, "doc": _to_text(plan), "v": plan.version}
        return self._table.write(
            Write(
                keys.recaps(org_id),
                update="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                condition="#v = :over" if over else "attribute_not_exists(pk)",
                values=values | ({"over": over} if over else {}),
                names={name: name for name in values},
            )
        )

    def done(self, org_id: str, kind: RecapKind, at: datetime) -> None:
        """Note that an occurrence was dealt with."""
        self._table.write(
            Write(
                keys.recaps(org_id),
                update="SET #mark = :at",
                condition="attribute_exists(pk) AND (attribute_not_exists(#mark) OR #mark < :at)",
                values={"at": epoch(at)},
                names={"mark": MARKS[kind]},
            )
        )

    def drop(self, org_id: str, *, over: int) -> None:
        """Remove the plan of a data set that is gone."""
        self._table.write(
            Write(keys.recaps(org_id), delete=True, condition="#v = :over", values={"over": over}, names={"v": "v"})
        )


def plan_from_item(item: Item) -> CronPlan:
    """Read a plan."""
    document = json.loads(item["doc"])
    return CronPlan(
        version=item["v"],
        live=tuple(Cron(kind, at, zone, gen, parse_instant(since)) for kind, at, zone, gen, since in document["live"]),
        old=tuple(document["old"]),
        settled=document["settled"],
        done={kind: datetime.fromtimestamp(item[MARKS[kind]], UTC) for kind in KINDS if MARKS[kind] in item},
    )


def _to_text(plan: CronPlan) -> str:
    live = [[cron.kind, cron.at, cron.zone, cron.generation, iso(cron.since)] for cron in plan.live]
    return json.dumps({"live": live, "old": list(plan.old), "settled": plan.settled}, separators=(",", ":"))
