"""Where an organization's re-planning stands."""

import json

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.table import Table, Write
from carillon.ports.upkeep import Run

AT_PLACE = "#run = :run AND #position = :position"
PLACE = {"run": "run", "position": "position"}


class DynamoRuns:
    """See the port `Runs`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load(self, org_id: str) -> Run | None:
        """Read the latest run."""
        item = self._table.get(keys.replan(org_id))
        if item is None:
            return None
        return Run(item["run"], item["position"], json.loads(item["revisions"]), item.get("asked", False))

    def start(self, org_id: str, run: Run, *, over: Run | None) -> bool:
        """Put a new run in the place of the latest."""
        return self._write(org_id, run, over)

    def advance(self, org_id: str, run: Run, following: Run) -> bool:
        """Note the next place of a run."""
        return self._write(org_id, following, run)

    def asked(self, org_id: str, run: Run) -> None:
        """Note that the page at a run's place is on the queue."""
        self._table.write(
            Write(
                keys.replan(org_id),
                update="SET asked = :yes",
                condition=AT_PLACE,
                values={"yes": True, "run": run.id, "position": run.position},
                names=PLACE,
            )
        )

    def _write(self, org_id: str, run: Run, over: Run | None) -> bool:
        item = {"ty": "replan", "run": run.id, "position": run.position, "revisions": json.dumps(run.revisions)}
        if over is None:
            return self._table.write(Write(keys.replan(org_id), item=item, condition="attribute_not_exists(pk)"))
        return self._table.write(
            Write(
                keys.replan(org_id),
                item=item,
                condition=AT_PLACE,
                values={"run": over.id, "position": over.position},
                names=PLACE,
            )
        )
