"""What people write back: taken from Twilio and from AWS, and listed."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.last_writers import DynamoLastWriters
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.opting import DynamoOptings
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.replies import DynamoAddressBook, DynamoReplies
from carillon.adapters.providers import eum_events, twilio_callbacks
from carillon.adapters.system import RandomIds
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.marks import address_marks
from carillon.bootstrap.outbound import queues
from carillon.runtime.config import CallbacksConfig, MessagesApiConfig, RecordDeliveryConfig, RunJobsConfig
from carillon.services.inbound import Inbound, Taken
from carillon.services.opting import Opting
from carillon.services.reply_listing import ReplyListing
from carillon.services.shared_numbers import SHARED_SMS, Routing


def inbound(told: CallbacksConfig | RecordDeliveryConfig | RunJobsConfig) -> Inbound:
    """Make what takes replies, for a function that may queue answers."""
    items, ids = table(told.table_name), RandomIds()
    return Inbound(
        replies=DynamoReplies(items),
        addresses=DynamoAddressBook(items),
        reader=DynamoReader(items),
        clients=DynamoClients(items),
        messages=DynamoMessages(items),
        queues=queues(told),
        opting=Opting(DynamoOptings(items), current_clock, ids),
        clock=current_clock,
        ids=ids,
        marks=address_marks(told.table_name, told.deployment_secret_arn),
    )


def take_from_twilio(body: str, own_org: str | None) -> tuple[str | None, Taken] | None:
    """Take an inbound message; `own_org`: whose own account it came from, None: the deployment's.

    Gives also which organization it was for: None when nobody has written to that person from there. None: it was not
    a message that people write.
    """
    reply = twilio_callbacks.reply_of(dict(twilio_callbacks.form(body)), current_clock.now())
    if reply is None:
        return None
    if own_org is not None:
        return own_org, _inbound().take(own_org, reply)
    org_id = _routing().of(reply.to, reply.address)
    if org_id is None:
        return None, Taken("nowhere")
    return org_id, _inbound().take(org_id, replace(reply, to=""))


def take_sms(event: Mapping[str, Any]) -> tuple[str | None, Taken] | None:
    """Take a reply to the deployment's SMS number; None: it is something else.

    Gives also which organization it was for: None when nobody has written to that person from there.
    """
    reply = eum_events.reply_of(event, current_clock.now())
    if reply is None:
        return None
    told = config(RecordDeliveryConfig)
    items = table(told.table_name)
    routing = Routing("sms", DynamoLastWriters(items), DynamoReader(items), DynamoMessages(items), current_clock)
    org_id = routing.of(SHARED_SMS, reply.address)
    return org_id, inbound(told).take(org_id, reply) if org_id is not None else Taken("nowhere")


@cache
def mending() -> Inbound:
    """Make what does the rest of replies whose taker died, for the jobs' function."""
    return inbound(config(RunJobsConfig))


@cache
def listing() -> ReplyListing:
    """Make the list of replies."""
    items = table(config(MessagesApiConfig).table_name)
    return ReplyListing(DynamoReplies(items), DynamoReader(items), current_clock)


@cache
def _inbound() -> Inbound:
    return inbound(config(CallbacksConfig))


@cache
def _routing() -> Routing:
    items = table(config(CallbacksConfig).table_name)
    return Routing("whatsapp", DynamoLastWriters(items), DynamoReader(items), DynamoMessages(items), current_clock)
