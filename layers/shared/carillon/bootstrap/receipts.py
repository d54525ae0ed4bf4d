"""What takes the providers' reports."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.opting import DynamoOptings
from carillon.adapters.dynamodb.organizations import DynamoOrganizations
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.settings import DynamoSettings
from carillon.adapters.dynamodb.staff import DynamoStaff
from carillon.adapters.dynamodb.suppressions import DynamoSuppressions
from carillon.adapters.providers import eum_events, ses_events, twilio_callbacks
from carillon.adapters.system import RandomIds
from carillon.adapters.tokens import SignedTokens
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.marks import address_marks
from carillon.bootstrap.outbound import fallback
from carillon.bootstrap.secrets import secret
from carillon.runtime.config import CallbacksConfig, RecordDeliveryConfig
from carillon.services.blocks import Blocks
from carillon.services.mail_events import MailEvent, MailEvents
from carillon.services.opting import Opting
from carillon.services.receipts import Receipt, Receipts
from carillon.services.suppressing import Suppressing


def read_ses_event(event: Mapping[str, Any]) -> MailEvent | None:
    """Read SES's event; None when it tells nothing new."""
    found = ses_events.read_event(event)
    if found is None:
        return None
    receipt = Receipt(found.token, found.status, found.reason, found.provider_id, found.soft)
    return MailEvent(receipt, found.refusal, found.addresses, found.at)


def read_twilio_status(token: str, body: str) -> Receipt | None:
    """Read Twilio's form post as a receipt; None when it tells nothing new."""
    parameters = dict(twilio_callbacks.form(body))
    found = twilio_callbacks.status_of(parameters)
    if found is None:
        return None
    status, reason = found
    return Receipt(token, status, reason, parameters.get("MessageSid"), code=parameters.get("ErrorCode"))


def read_sms_event(event: Mapping[str, Any]) -> Receipt | None:
    """Read an event of AWS End User Messaging; None when it tells nothing new."""
    found = eum_events.read_event(event)
    if found is None:
        return None
    return Receipt(found.token, found.status, found.reason, found.provider_id, code=found.code)


def is_about_sms(event: Mapping[str, Any]) -> bool:
    """Whether an event is about an SMS, not an e-mail."""
    return eum_events.is_event(event)


@cache
def sms() -> Receipts:
    """Take events of SMS."""
    return _receipts(config(RecordDeliveryConfig))


@cache
def email() -> MailEvents:
    """Take SES's events."""
    told = config(RecordDeliveryConfig)
    items, key = table(told.table_name), secret(told.deployment_secret_arn).signing_key
    suppressing = Suppressing(
        DynamoSuppressions(items, key),
        DynamoClients(items),
        DynamoStaff(items),
        DynamoOrganizations(items),
        DynamoSettings(items),
        current_clock,
        RandomIds(),
    )
    opting = Opting(DynamoOptings(items), current_clock, RandomIds())
    return MailEvents(_receipts(told), suppressing, opting, SignedTokens(key), current_clock)


@cache
def twilio() -> Receipts:
    """Take Twilio's status callbacks."""
    return _receipts(config(CallbacksConfig))


def public_base_url() -> str:
    """Give the address under which Twilio calls back; empty: API Gateway's own."""
    return config(CallbacksConfig).public_base_url.rstrip("/")


def _receipts(told: RecordDeliveryConfig | CallbacksConfig) -> Receipts:
    return Receipts(
        messages=DynamoMessages(table(told.table_name)),
        reader=DynamoReader(table(told.table_name)),
        tokens=SignedTokens(secret(told.deployment_secret_arn).signing_key),
        fallback=fallback(told),
        blocks=Blocks(
            Opting(DynamoOptings(table(told.table_name)), current_clock, RandomIds()),
            address_marks(told.table_name, told.deployment_secret_arn),
        ),
        clock=current_clock,
    )
