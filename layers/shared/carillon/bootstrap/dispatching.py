"""The dispatcher of what is due."""

from functools import cache

from carillon.adapters.dynamodb.client_days import DynamoClientDays
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.adapters.dynamodb.review_requests import DynamoReviewRequests
from carillon.adapters.queues import due_from_data, waiting_from_data
from carillon.adapters.system import RandomIds
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.outbound import connections, queues
from carillon.runtime.config import DispatchReminderConfig, PlannerConfig
from carillon.services.asking import Asking
from carillon.services.dispatching import Dispatcher
from carillon.services.due_tasks import is_of_task
from carillon.services.making import MessageMaker
from carillon.services.overdue import Overdue
from carillon.services.same_day import SameDay

__all__ = ["dispatcher", "is_of_task", "overdue", "read_due", "read_waiting"]

read_due = due_from_data
read_waiting = waiting_from_data


@cache
def dispatcher() -> Dispatcher:
    """Make the dispatcher of due reminders."""
    told = config(DispatchReminderConfig)
    items = table(told.table_name)
    reader = DynamoReader(items)
    return Dispatcher(
        reader=reader,
        messages=DynamoMessages(items),
        queues=queues(told),
        connections=connections(told),
        maker=MessageMaker(RandomIds()),
        clock=current_clock,
        same_day=SameDay(reader, DynamoClientDays(items)),
        asking=Asking(reader, DynamoReviewRequests(items)),
    )


@cache
def overdue(function: type[DispatchReminderConfig] | type[PlannerConfig] = DispatchReminderConfig) -> Overdue:
    """Make what announces tasks whose due time has passed, for the dispatcher's function or for the jobs'."""
    told = config(function)
    items = table(told.table_name)
    return Overdue(DynamoReader(items), DynamoRecords(items), queues(told), current_clock)
