"""What every function on the way to a provider uses: queues, connections, the way to the next channel."""

import json
import logging
from functools import cache

from carillon.adapters.aws import client
from carillon.adapters.connections import DeploymentConnections
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.rates import DynamoRates
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.queues import SqsQueues
from carillon.adapters.system import RandomIds
from carillon.bootstrap import current_clock, table
from carillon.domain.rates import rate_of
from carillon.ports.delivery import Connections
from carillon.ports.queues import Queues
from carillon.runtime.config import DispatchReminderConfig, PlannerConfig
from carillon.services.fallback import Fallback
from carillon.services.making import MessageMaker
from carillon.services.pacing import Pace, PacedQueues

Told = DispatchReminderConfig | PlannerConfig
"""Configurations that know the channels' queues and senders."""


def queues(told: Told, *, due: str | None = None) -> Queues:
    """Make the queues a function may send to: at each organization's pace, unless the deployment sets none."""
    lines = SqsQueues(client("sqs"), channels=json.loads(told.channel_queues), due=due, jobs=told.jobs_queue_url)
    pace = _pace(told.table_name, told.organization_messages_per_second)
    return PacedQueues(lines, pace, DynamoMessages(table(told.table_name)), current_clock) if pace else lines


@cache
def _pace(table_name: str, per_second: str) -> Pace | None:
    """Know the pace of organizations, once for a process."""
    rate = rate_of(float(per_second))
    return Pace(rate, DynamoRates(table(table_name)), _not_paced) if rate is not None else None


def _not_paced(org_id: str, error: Exception) -> None:
    logging.getLogger(__name__).warning("not_paced", extra={"organization_id": org_id, "error": type(error).__name__})


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
