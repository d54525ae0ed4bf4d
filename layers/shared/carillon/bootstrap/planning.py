"""The planner, for the stream's function or for the jobs'."""

from functools import cache

from carillon.adapters.aws import client
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.posted import DynamoPostedEvents
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoDueRows, DynamoRecords
from carillon.adapters.schedules import EventBridgeSchedules
from carillon.adapters.system import RandomIds
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.marks import address_marks
from carillon.bootstrap.outbound import connections, queues
from carillon.ports.queues import Schedules
from carillon.runtime.config import PlannerConfig, PlanNotificationsConfig
from carillon.services.announcing import Announcer
from carillon.services.making import MessageMaker
from carillon.services.planning import Planner


@cache
def planner(function: type[PlannerConfig] = PlanNotificationsConfig) -> Planner:
    """Make the planner, for the stream's function or for the jobs'."""
    told = config(function)
    return Planner(
        reader=DynamoReader(table(told.table_name)),
        records=DynamoRecords(table(told.table_name)),
        due_rows=DynamoDueRows(table(told.table_name)),
        messages=DynamoMessages(table(told.table_name)),
        queues=queues(told, due=told.due_queue_url),
        schedules=schedules(told),
        connections=connections(told),
        maker=MessageMaker(RandomIds()),
        clock=current_clock,
        marks=address_marks(told.table_name, told.deployment_secret_arn),
    )


@cache
def announcer(function: type[PlannerConfig] = PlanNotificationsConfig) -> Announcer:
    """Make what tells of posted events, for the stream's function or for the jobs'."""
    told = config(function)
    items = table(told.table_name)
    return Announcer(
        reader=DynamoReader(items),
        posted=DynamoPostedEvents(items),
        messages=DynamoMessages(items),
        queues=queues(told, due=told.due_queue_url),
        connections=connections(told),
        maker=MessageMaker(RandomIds()),
        clock=current_clock,
    )


def schedules(told: PlannerConfig) -> Schedules:
    """Make the schedules of reminders."""
    return EventBridgeSchedules(
        client("scheduler"),
        group=told.reminders_group,
        queue_arn=told.due_queue_arn,
        role_arn=told.scheduler_role_arn,
        dead_letter_arn=told.scheduler_dlq_arn,
    )
