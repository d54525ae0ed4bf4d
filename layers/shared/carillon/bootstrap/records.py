"""What the doors of records and messages stand on."""

from functools import cache
from typing import Any

from carillon.adapters.dynamodb.client_days import DynamoClientDays
from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.idempotency import DynamoAnswers
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.posted import DynamoPostedEvents
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoDueRows, DynamoRecords
from carillon.adapters.dynamodb.review_requests import DynamoReviewRequests
from carillon.adapters.dynamodb.suppressions import DynamoSuppressions
from carillon.adapters.phones import NumberPlans
from carillon.adapters.system import RandomIds
from carillon.adapters.written import StoredWords
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.marks import address_marks
from carillon.bootstrap.secrets import secret
from carillon.runtime.config import MessagesApiConfig, RecordsApiConfig
from carillon.services.appointments import Appointments
from carillon.services.asking import Asking
from carillon.services.clients import ClientKeeping
from carillon.services.explaining import Explaining
from carillon.services.leads import Leads
from carillon.services.log import Log
from carillon.services.orders import Orders
from carillon.services.posting import Posting
from carillon.services.record_batches import RecordBatches
from carillon.services.records import RecordKeeping
from carillon.services.reminders import Reminders
from carillon.services.reporting import Reporting
from carillon.services.same_day import SameDay
from carillon.services.summarising import Summarising
from carillon.services.tasks import Tasks


@cache
def appointments() -> Appointments:
    """Make the use cases on appointments."""
    return Appointments(**_parts())


@cache
def orders() -> Orders:
    """Make the use cases on orders."""
    return Orders(**_parts())


@cache
def leads() -> Leads:
    """Make the use cases on leads."""
    return Leads(**_parts(), phones=NumberPlans())


@cache
def tasks() -> Tasks:
    """Make the use cases on tasks."""
    return Tasks(**_parts())


@cache
def batches() -> RecordBatches:
    """Make the use cases on many records at once."""
    named: tuple[RecordKeeping[Any], ...] = (appointments(), orders(), leads(), tasks())
    every = {each.collection: each for each in named}
    return RecordBatches(every, DynamoReader(table(config(RecordsApiConfig).table_name)))


@cache
def answers() -> DynamoAnswers:
    """Keep the answers of repeated calls."""
    return DynamoAnswers(table(config(RecordsApiConfig).table_name), current_clock)


def _parts() -> dict[str, Any]:
    told = config(RecordsApiConfig)
    items = table(told.table_name)
    records, clock = DynamoRecords(items), current_clock
    known = DynamoSuppressions(items, secret(told.deployment_secret_arn).signing_key)
    clients = ClientKeeping(DynamoClients(items, known), records, NumberPlans(), clock, RandomIds())
    return {"reader": DynamoReader(items), "records": records, "clients": clients, "clock": clock}


@cache
def reminders() -> Reminders:
    """Make the listings of reminders."""
    items = table(config(RecordsApiConfig).table_name)
    return Reminders(DynamoReader(items), DynamoRecords(items), DynamoDueRows(items), current_clock)


@cache
def posting() -> Posting:
    """Make what takes posted events in."""
    items = table(config(RecordsApiConfig).table_name)
    return Posting(DynamoReader(items), DynamoPostedEvents(items), current_clock, RandomIds())


@cache
def explaining() -> Explaining:
    """Make what explains decisions."""
    from carillon.adapters.connections import DeploymentConnections  # noqa: PLC0415 - only explaining needs them

    told = config(RecordsApiConfig)
    items = table(told.table_name)
    senders = {"email": told.email_from, "sms": told.sms_sender_id, "whatsapp": told.whatsapp_from}
    connections = DeploymentConnections(items, senders, current_clock)  # type: ignore[arg-type]
    marks = address_marks(told.table_name, told.deployment_secret_arn)
    reader = DynamoReader(items)
    day, asking = SameDay(reader, DynamoClientDays(items)), Asking(reader, DynamoReviewRequests(items))
    return Explaining(reader, connections, current_clock, marks, DynamoQuota(items), day, asking)


@cache
def reporting() -> Reporting:
    """Make the report of what was sent."""
    items = table(config(MessagesApiConfig).table_name)
    return Reporting(DynamoMessages(items), DynamoReader(items), current_clock)


@cache
def summarising() -> Summarising:
    """Make what counts messages."""
    items = table(config(MessagesApiConfig).table_name)
    return Summarising(DynamoMessages(items), DynamoReader(items), current_clock)


@cache
def log() -> Log:
    """Make the log of messages."""
    items = table(config(MessagesApiConfig).table_name)
    return Log(DynamoMessages(items), DynamoReader(items), current_clock, StoredWords(items))
