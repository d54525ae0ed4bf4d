"""Planning, dispatching, sending and receiving: the services behind the queues."""

import json
from functools import cache

from carillon.adapters.aws import client
from carillon.adapters.connections import DeploymentConnections
from carillon.adapters.dynamodb.everything import DynamoEverything
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.organizations import DynamoOrganizations
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoDueRows, DynamoRecords
from carillon.adapters.dynamodb.runs import DynamoRuns
from carillon.adapters.dynamodb.watermarks import DynamoWatermarks
from carillon.adapters.queues import SqsQueues, due_from_data, waiting_from_data
from carillon.adapters.schedules import EventBridgeSchedules
from carillon.adapters.secrets import DeploymentSecret
from carillon.adapters.system import RandomIds
from carillon.bootstrap import config, current_clock, table
from carillon.domain.organizations import TEST_SUFFIX
from carillon.ports.delivery import Connections
from carillon.ports.queues import Queues, Schedules
from carillon.runtime.config import (
    DispatchReminderConfig,
    PlannerConfig,
    PlanNotificationsConfig,
    RunJobsConfig,
    SweepConfig,
)
from carillon.services.dispatching import Dispatcher
from carillon.services.fallback import Fallback
from carillon.services.making import MessageMaker
from carillon.services.planning import Planner
from carillon.services.purging import Purge
from carillon.services.replanning import Replanner
from carillon.services.sweeping import Sweep
from carillon.services.waiting import Waiting

Told = DispatchReminderConfig | PlannerConfig
"""Configurations that know the channels' queues and senders."""

read_due = due_from_data
read_waiting = waiting_from_data


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
        schedules=_schedules(told),
        connections=connections(told),
        maker=MessageMaker(RandomIds()),
        clock=current_clock,
    )


def jobs_planner() -> Planner:
    """Make the planner of the jobs' function."""
    return planner(RunJobsConfig)


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
def waiting() -> Waiting:
    """Make what schedules messages that wait for long, for the jobs' function."""
    told = config(RunJobsConfig)
    return Waiting(queues=queues(told), schedules=_schedules(told), clock=current_clock)


@cache
def purge() -> Purge:
    """Make the purge of a removed organization, for the jobs' function."""
    told = config(RunJobsConfig)
    items = table(told.table_name)
    return Purge(
        reader=DynamoReader(items),
        everything=DynamoEverything(items),
        schedules=_schedules(told),
        queues=queues(told, due=told.due_queue_url),
    )


def enqueue_sweeps() -> int:
    """Put a job on the queue for every data set of every organization; gives their number."""
    told = config(SweepConfig)
    return _enqueue_for_all({"kind": "sweep"}, told.table_name, told.jobs_queue_url)


def enqueue_looking_through() -> int:
    """Have the records of every data set looked through for what is not planned; gives the number of jobs."""
    told = config(RunJobsConfig)
    return _enqueue_for_all({"kind": "look_through", "position": None}, told.table_name, told.jobs_queue_url)


def _enqueue_for_all(job: dict[str, str | None], table_name: str, jobs_queue_url: str) -> int:
    organizations = DynamoOrganizations(table(table_name))
    jobs = SqsQueues(client("sqs"), channels={}, jobs=jobs_queue_url)
    count, position = 0, None
    while True:
        page = organizations.page(100, position)
        names = [name for found in page.items for name in (found.id, found.id + TEST_SUFFIX) if not found.deleted]
        jobs.send_jobs([{**job, "o": name} for name in names])
        count, position = count + len(names), page.position
        if position is None:
            return count


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


def _schedules(told: PlannerConfig) -> Schedules:
    return EventBridgeSchedules(
        client("scheduler"),
        group=told.reminders_group,
        queue_arn=told.due_queue_arn,
        role_arn=told.scheduler_role_arn,
        dead_letter_arn=told.scheduler_dlq_arn,
    )


def queues(told: Told, *, due: str | None = None) -> Queues:
    """Make the queues a function may send to."""
    return SqsQueues(client("sqs"), channels=json.loads(told.channel_queues), due=due, jobs=told.jobs_queue_url)


def connections(told: Told) -> Connections:
    """Know the deployment's senders."""
    senders = {"email": told.email_from, "sms": told.sms_sender_id, "whatsapp": told.whatsapp_from}
    return DeploymentConnections(table(told.table_name), senders, current_clock)  # type: ignore[arg-type]


def fallback(told: Told) -> Fallback:
    """Make the way to the next channel."""
    return Fallback(
        reader=DynamoReader(table(told.table_name)),
        messages=DynamoMessages(table(told.table_name)),
        queues=queues(told),
        connections=connections(told),
        maker=MessageMaker(RandomIds()),
        clock=current_clock,
    )


@cache
def secret(arn: str) -> DeploymentSecret:
    """Give the deployment's secret."""
    return DeploymentSecret(client("secretsmanager"), arn, current_clock)
