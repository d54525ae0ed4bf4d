"""Quota: what people see of it, and what keeps its books."""

from functools import cache

from carillon import bootstrap
from carillon.adapters.dynamodb.idempotency import DynamoAnswers
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.organizations import DynamoOrganizations
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.watermarks import DynamoWatermarks
from carillon.adapters.system import RandomIds
from carillon.bootstrap.outbound import queues
from carillon.runtime.config import RunJobsConfig, SettingsApiConfig
from carillon.services.quota_days import QuotaDays
from carillon.services.quotas import Quotas
from carillon.services.telling import Telling


@cache
def quotas() -> Quotas:
    """Make what the door of the organization shows of quota, and lets the operator change."""
    table, clock = bootstrap.table(bootstrap.config(SettingsApiConfig).table_name), bootstrap.current_clock
    return Quotas(
        quota=DynamoQuota(table),
        organizations=DynamoOrganizations(table),
        messages=DynamoMessages(table),
        marks=DynamoWatermarks(table),
        answers=DynamoAnswers(table, clock),
        clock=clock,
        ids=RandomIds(),
    )


@cache
def days() -> QuotaDays:
    """Make what closes days, for the jobs' function."""
    told = bootstrap.config(RunJobsConfig)
    table = bootstrap.table(told.table_name)
    return QuotaDays(
        quota=DynamoQuota(table),
        messages=DynamoMessages(table),
        reader=DynamoReader(table),
        queues=queues(told, due=told.due_queue_url),
        clock=bootstrap.current_clock,
    )


@cache
def telling() -> Telling:
    """Make what tells managers, for the jobs' function."""
    told = bootstrap.config(RunJobsConfig)
    table = bootstrap.table(told.table_name)
    return Telling(
        reader=DynamoReader(table),
        messages=DynamoMessages(table),
        queues=queues(told, due=told.due_queue_url),
        clock=bootstrap.current_clock,
        ids=RandomIds(),
    )
