"""What every function on the way to a provider uses: queues, connections, the way to the next channel."""

import json

from carillon.adapters.aws import client
from carillon.adapters.connections import DeploymentConnections
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.queues import SqsQueues
from carillon.adapters.system import RandomIds
from carillon.bootstrap import current_clock, table
from carillon.ports.delivery import Connections
from carillon.ports.queues import Queues
from carillon.runtime.config import DispatchReminderConfig, PlannerConfig
from carillon.services.fallback import Fallback
from carillon.services.making import MessageMaker

Told = DispatchReminderConfig | PlannerConfig
"""Configurations that know the channels' queues and senders."""


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
