"""An organization whose records are orders, leads and tasks: the rig's pipeline, with their use cases and rules."""

from datetime import datetime
from typing import Any, cast

from carillon.adapters.phones import NumberPlans
from carillon.domain.catalog import EVENT_ROWS, Audience
from carillon.domain.channels import Channel
from carillon.domain.recipients import Marks
from carillon.domain.records import StoredRecord
from carillon.domain.rules import Rule, RuleChannel, Rules, RuleWhen, default_rules
from carillon.ports.queues import Due
from carillon.services.clients import ClientKeeping
from carillon.services.dispatching import Dispatched
from carillon.services.leads import LeadInput, Leads
from carillon.services.orders import OrderInput, Orders
from carillon.services.overdue import Overdue
from carillon.services.planning import Planner
from carillon.services.records import Put
from carillon.services.tasks import TaskInput, Tasks
from tests.builders import ORG
from tests.fakes import MemoryReader, MemoryRecords
from tests.rig import CALLER, Rig

PEOPLE: dict[str, tuple[Audience, ...]] = {
    "orders": ("client", "executor", "order_manager"),
    "leads": ("client", "lead_manager"),
    "tasks": ("assignee", "author"),
}


class SetMarks:
    """What is known of addresses, as it was set."""

    def __init__(self) -> None:
        self.known = Marks()
        self.asked: list[tuple[str | None, str | None]] = []

    def of(self, org_id: str, phone: str | None, email: str | None) -> Marks:  # noqa: ARG002
        self.asked.append((phone, email))
        return self.known

    def said(self, org_id: str, channel: Channel, address: str, opt: str, at: datetime) -> bool:  # noqa: ARG002
        return True


class Office(Rig):
    """Anna and Bob, s1 and s2; whoever turns rules on is told."""

    def __init__(self, *args: Any, **of_settings: Any) -> None:
        super().__init__(*args, **of_settings)
        self.marks = SetMarks()

    def tell(self, *rules: Rule) -> None:
        """Turn rules on; those of rows take the places of the catalog's."""
        own = {(rule.key, rule.audience, rule.when is None): rule for rule in rules}
        rows = [own.get((row.key, row.audience, True), row) for row in default_rules().rules]
        self.account.rules[ORG] = Rules(rules=rows + [rule for rule in rules if rule.when is not None])

    def tell_all(self, *channels: Channel) -> None:
        """Turn on every rule of orders, leads and tasks, on the given channels (by default e-mail)."""
        self.tell(
            *(
                on(row.key, audience, *(channels or ("email",)))
                for row in EVENT_ROWS
                if row.group in PEOPLE
                for audience in row.offers
            )
        )

    def order(self, order_id: str = "117", **changes: Any) -> Put:
        basis: dict[str, Any] = {"client_id": "anna", "number": order_id, "status": "new"}
        return Orders(**self.parts()).put(CALLER, order_id, OrderInput(**(basis | changes)))

    def lead(self, lead_id: str = "9", **changes: Any) -> Put:
        basis: dict[str, Any] = {"status": "new"}
        if not {"client_id", "contact"} & changes.keys():
            basis["client_id"] = "anna"
        leads = Leads(**self.parts(), phones=NumberPlans())
        return leads.put(CALLER, lead_id, LeadInput(**(basis | changes)))

    def task(self, task_id: str = "t1", **changes: Any) -> Put:
        basis: dict[str, Any] = {"title": "Call back", "author_id": "s1", "assignee_ids": ["s2"], "status": "open"}
        return self.tasks().put(CALLER, task_id, TaskInput(**(basis | changes)))

    def tasks(self) -> Tasks:
        return Tasks(**self.parts())

    def planner(self) -> Planner:
        planner = super().planner()
        planner.__dict__["marks"] = self.marks
        return planner

    def overdue(self) -> Overdue:
        return Overdue(
            reader=self.line.watch(MemoryReader(self.account)),
            records=self.line.watch(MemoryRecords(self.account)),
            queues=self.line.watch(self.queues),
            clock=self.clock,
        )

    def plan(self, ref: str) -> bool:
        """Let the planner follow a record, as the stream and the jobs do."""
        return self.planner().follow(ORG, ref)

    def stored(self, ref: str) -> StoredRecord:
        return self.account.records[ORG, ref]

    def due(self) -> Due:
        """Give the one schedule there is."""
        (due,) = self.schedules.kept.values()
        return due

    def pass_due(self, due: Due) -> list[Dispatched]:
        """Move the clock to a due time, and announce it as EventBridge Scheduler and SQS would."""
        self.clock.at = max(self.clock.at, due.fires)
        return self.overdue().fire([due])

    def heard(self) -> list[tuple[str, str, str]]:
        """Give (recipient, template, channel) of what was queued, and forget it."""
        found = [
            (message.key.recipient, message.template, str(message.channel))
            for message in self.account.found(ORG)
            if message.status == "queued"
        ]
        self.account.messages.clear()
        return sorted(found)

    def parts(self) -> dict[str, Any]:
        return {
            "reader": MemoryReader(self.account),
            "records": MemoryRecords(self.account),
            "clients": cast("ClientKeeping", None),
            "clock": self.clock,
        }


def on(key: str, audience: Audience, *channels: Channel, status: str | None = None, **changes: Any) -> Rule:
    """Make a rule that is on, bound to a status if one is given; changes may give templates by channel."""
    templates = changes.pop("templates", {})
    return Rule(
        id=f"{key}.{audience}" if status is None else f"bound-{audience}-{status}",
        key=key,
        event=key,
        audience=audience,
        when=RuleWhen(status=status) if status is not None else None,
        channels={name: RuleChannel(enabled=True, template=templates.get(name)) for name in channels},
        **changes,
    )
