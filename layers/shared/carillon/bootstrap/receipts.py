"""What takes the providers' reports."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.opting import DynamoOptings
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.providers import ses_events, twilio_callbacks
from carillon.adapters.system import RandomIds
from carillon.adapters.tokens import SignedTokens
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.pipeline import fallback, secret
from carillon.runtime.config import CallbacksConfig, RecordDeliveryConfig
from carillon.services.blocks import Blocks
from carillon.services.opting import Opting
from carillon.services.receipts import Receipt, Receipts


def read_ses_event(event: Mapping[str, Any]) -> Receipt | None:
    """Read SES's event as a receipt; None when it tells nothing new."""
    found = ses_events.read_event(event)
    return Receipt(found.token, found.status, found.reason, found.provider_id) if found is not None else None


def read_twilio_status(token: str, body: str) -> Receipt | None:
    """Read Twilio's form post as a receipt; None when it tells nothing new."""
    parameters = dict(twilio_callbacks.form(body))
    found = twilio_callbacks.status_of(parameters)
    if found is None:
        return None
    status, reason = found
    return Receipt(token, status, reason, parameters.get("MessageSid"), code=parameters.get("ErrorCode"))


@cache
def email() -> Receipts:
    """Take SES's events."""
    return _receipts(config(RecordDeliveryConfig))


@cache
def twilio() -> Receipts:
    """Take Twilio's status callbacks."""
    return _receipts(config(CallbacksConfig))


def is_from_twilio(url: str, body: str, signature: str | None) -> bool:
    """Whether a form post came from the deployment's Twilio account; `url` is the path with its query."""
    kept = secret(config(CallbacksConfig).deployment_secret_arn)
    return twilio_callbacks.is_signed(kept.read().twilio_auth_token, url, body, signature)


def public_base_url() -> str:
    """Give the address under which Twilio calls back; empty: API Gateway's own."""
    return config(CallbacksConfig).public_base_url.rstrip("/")


def _receipts(told: RecordDeliveryConfig | CallbacksConfig) -> Receipts:
    return Receipts(
        messages=DynamoMessages(table(told.table_name)),
        reader=DynamoReader(table(told.table_name)),
        tokens=SignedTokens(secret(told.deployment_secret_arn).signing_key),
        fallback=fallback(told),
        blocks=Blocks(Opting(DynamoOptings(table(told.table_name)), current_clock, RandomIds())),
        clock=current_clock,
    )
