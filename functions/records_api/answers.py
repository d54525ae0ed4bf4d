"""Answers that all collections share: a record as stored with its reminders, and pages of them."""

from typing import TypeVar

from carillon.bootstrap import records as bootstrap
from carillon.domain.records import StoredRecord
from carillon.runtime.http import Answer, Call, Page
from carillon.services.records import Put
from functions.records_api.views import record_view

V = TypeVar("V")


def put_answer(view: type[V], call: Call, done: Put) -> Answer[V]:
    """Answer a PUT: the record as it is now, and what came of the call."""
    reminders = bootstrap.reminders().states(call.org_id, [done.record])
    events = tuple(event.type for event in done.events)
    shown_as = record_view(view, done.record, reminders, events, stale=done.stale)
    return Answer(shown_as, status=201 if done.created else 200)


def shown(view: type[V], call: Call, record: StoredRecord) -> Answer[V]:
    """Answer with a record."""
    return Answer(record_view(view, record, bootstrap.reminders().states(call.org_id, [record])))


def listed(view: type[V], call: Call, page: Page[StoredRecord]) -> Answer[Page[V]]:
    """Answer with a page of records."""
    states = bootstrap.reminders().states(call.org_id, page.items)
    views = [record_view(view, each, [item for item in states if item.record is each]) for each in page.items]
    return Answer(Page(views, page.position))
