"""The dispatcher of what is due."""

from functools import cache

from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.queues import due_from_data, waiting_from_data
from carillon.adapters.system import RandomIds
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.outbound import connections, queues
from carillon.runtime.config import DispatchReminderConfig
from carillon.services.dispatching import Dispatcher
from carillon.services.making import MessageMaker

read_due = due_from_data
read_waiting = waiting_from_data


@cache
def dispatcher() -> Dispatcher:
    """Make the dispatcher of due reminders."""
    told = config(DispatchReminderConfig)
    return Dispatcher(
        reader=DynamoReader(table(told.table_name)),
        messages=DynamoMessages(table(told.table_name)),
        queues=queues(told),
        connections=connections(told),
        maker=MessageMaker(RandomIds()),
        clock=current_clock,
    )
