"""What the jobs' function does."""

from functools import cache

from carillon.adapters.aws import client
from carillon.adapters.dynamodb.billing import DynamoBilling
from carillon.adapters.dynamodb.everything import DynamoEverything
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.recap_plans import DynamoRecapPlans
from carillon.adapters.dynamodb.records import DynamoDueRows, DynamoRecords
from carillon.adapters.dynamodb.runs import DynamoRuns
from carillon.adapters.dynamodb.watermarks import DynamoWatermarks
from carillon.adapters.files import S3Files
from carillon.adapters.payments_queue import SqsPayments
from carillon.adapters.queues import due_from_data, waiting_from_data
from carillon.adapters.recap_crons import EventBridgeCrons, SqsRecaps
from carillon.adapters.system import RandomIds
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.dispatching import overdue as task_dues
from carillon.bootstrap.outbound import fallback, queues
from carillon.bootstrap.planning import announcer as announcer_of
from carillon.bootstrap.planning import planner, schedules
from carillon.bootstrap.sweeping import enqueue_for_all
from carillon.ports.recaps import Crons
from carillon.runtime.config import RunJobsConfig
from carillon.services.announcing import Announcer
from carillon.services.mending_payments import PaymentsMending
from carillon.services.overdue import Overdue
from carillon.services.planning import Planner
from carillon.services.purging import Purge
from carillon.services.recap_schedules import RecapSchedules
from carillon.services.replanning import Replanner
from carillon.services.sweeping import Sweep
from carillon.services.waiting import Waiting

read_due = due_from_data
read_waiting = waiting_from_data


def jobs_planner() -> Planner:
    """Make the planner of the jobs' function."""
    return planner(RunJobsConfig)


def overdue() -> Overdue:
    """Make what announces tasks whose due time has passed, for the jobs' function."""
    return task_dues(RunJobsConfig)


@cache
def announcer() -> Announcer:
    """Make what tells of posted events, for the jobs' function."""
    return announcer_of(RunJobsConfig)


@cache
def replanner() -> Replanner:
    """Make the re-planning, for the jobs' function."""
    told = config(RunJobsConfig)
    items = table(told.table_name)
    return Replanner(
        reader=DynamoReader(items),
        records=DynamoRecords(items),
        runs=DynamoRuns(items),
        queues=queues(told, due=told.due_queue_url),
        clock=current_clock,
        ids=RandomIds(),
    )


@cache
def sweep() -> Sweep:
    """Make the sweep of one organization, for the jobs' function."""
    told = config(RunJobsConfig)
    items = table(told.table_name)
    return Sweep(
        reader=DynamoReader(items),
        records=DynamoRecords(items),
        due_rows=DynamoDueRows(items),
        messages=DynamoMessages(items),
        queues=queues(told, due=told.due_queue_url),
        marks=DynamoWatermarks(items),
        fallback=fallback(told),
        clock=current_clock,
    )


@cache
def payments() -> PaymentsMending:
    """Make what has top-ups looked up whose event never came, for the jobs' function."""
    told = config(RunJobsConfig)
    store = DynamoBilling(table(told.table_name))
    return PaymentsMending(store, SqsPayments(client("sqs"), told.payments_queue_url), current_clock)


@cache
def waiting() -> Waiting:
    """Make what schedules messages that wait for long, for the jobs' function."""
    told = config(RunJobsConfig)
    return Waiting(queues=queues(told), schedules=schedules(told), clock=current_clock)


@cache
def purge() -> Purge:
    """Make the purge of a removed organization, for the jobs' function."""
    told = config(RunJobsConfig)
    items = table(told.table_name)
    return Purge(
        reader=DynamoReader(items),
        everything=DynamoEverything(items),
        schedules=schedules(told),
        crons=_crons(told),
        queues=queues(told, due=told.due_queue_url),
        files=S3Files(lambda: client("s3"), told.attachments_bucket),
    )


@cache
def recap_schedules() -> RecapSchedules:
    """Make what has the schedules of recaps follow the settings."""
    told = config(RunJobsConfig)
    items = table(told.table_name)
    return RecapSchedules(
        reader=DynamoReader(items),
        plans=DynamoRecapPlans(items),
        crons=_crons(told),
        queue=SqsRecaps(client("sqs"), told.recaps_queue_url),
        clock=current_clock,
    )


def _crons(told: RunJobsConfig) -> Crons:
    return EventBridgeCrons(
        client("scheduler"),
        current_clock,
        group=told.recaps_group,
        queue_arn=told.recaps_queue_arn,
        role_arn=told.scheduler_role_arn,
        dead_letter_arn=told.scheduler_dlq_arn,
    )


def enqueue_looking_through() -> int:
    """Have the records of every data set looked through for what is not planned; gives the number of jobs."""
    told = config(RunJobsConfig)
    return enqueue_for_all({"kind": "look_through", "position": None}, told.table_name, told.jobs_queue_url)
