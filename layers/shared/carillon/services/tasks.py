"""Tasks, as an integrator states them."""

from dataclasses import fields
from datetime import datetime
from typing import cast

from carillon.domain.constraints import document
from carillon.domain.errors import Fault
from carillon.domain.record_documents import Actor, Document, Task
from carillon.domain.record_events import derive_of
from carillon.domain.records import Event
from carillon.domain.settings import Settings
from carillon.domain.times import iso
from carillon.services.record_plans import LATELY, day_of
from carillon.services.records import Named, RecordKeeping, Stated, each_of


@document
class TaskInput(Task, Stated):
    """A task as an integrator states it; `record` names what it is about (`orders/117`), which must be there.

    `id` may repeat the path's. `actor` says who made this change, `updated_at` when the integrator's system did: an
    older one than the stored is ignored. `notify` false stores silently; being overdue is told all the same.
    """


class Tasks(RecordKeeping[TaskInput]):
    """Use cases on tasks."""

    collection, noun = "tasks", "task"

    def _span(self, since: datetime | None, now: datetime) -> tuple[datetime, datetime | None]:
        return day_of(since or now - LATELY), None

    def _staff(self, stated: TaskInput) -> Named:
        return [("/author_id", stated.author_id), *each_of("assignee_ids", stated.assignee_ids)]

    def _others(self, stated: TaskInput) -> Named:
        return [("/record", stated.record)] if stated.record is not None else []

    def _wrong(self, stated: TaskInput) -> list[Fault]:  # noqa: ARG002 - its form says it all
        return []

    def _document(
        self,
        stated: TaskInput,
        client_id: str | None,  # noqa: ARG002 - the same for all collections
        before: Document | None,  # noqa: ARG002
        settings: Settings,  # noqa: ARG002
    ) -> Task:
        return Task(**{field.name: getattr(stated, field.name) for field in fields(Task)})

    def _derive(
        self, before: Document | None, after: Document, *, actor: Actor, version: int, now: datetime, settings: Settings
    ) -> list[Event]:
        was, now_is = cast("Task | None", before), cast("Task", after)
        return derive_of(was, now_is, actor=actor, version=version, at=iso(now), settings=settings)
