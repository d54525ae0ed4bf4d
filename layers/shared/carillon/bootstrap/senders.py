"""The senders, one per channel, and what takes their receipts."""

from collections.abc import Sequence
from functools import cache

from carillon.adapters.aws import sending_client
from carillon.adapters.composing import TemplateComposer
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.queues import ready_from_data
from carillon.adapters.system import RandomIds
from carillon.adapters.tokens import NoTokens, SignedTokens
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.pipeline import connections, fallback, queues, secret
from carillon.domain.channels import Channel
from carillon.ports import Provider, Ready, Tokens
from carillon.runtime.batch import Message
from carillon.runtime.config import SendEmailConfig, SenderConfig, SendSmsConfig, SendWhatsappConfig
from carillon.runtime.logging import logger
from carillon.services.sending import Sender


def send(sender: Sender, messages: Sequence[Message]) -> dict[str, Exception]:
    """Send a batch of queue messages; gives those that must come again, by their ids."""
    done = sender.send([ready_from_data(message.body, sender.channel) for message in messages])
    for result in done:
        ids = {"organization_id": result.ready.org_id, "message_id": result.message_id, "record": result.ready.record}
        logger().info(result.result, extra=ids | {"reason": result.reason, "provider_id": result.provider_id})
    again = zip(messages, done, strict=True)
    return {message.id: ComesAgainError(result.message_id) for message, result in again if result.result == "busy"}


class ComesAgainError(Exception):
    """A message whose holder is still at work, or whose handling broke, is delivered again by its queue."""


@cache
def email() -> Sender:
    """Make the sender of e-mail."""
    from carillon.adapters.providers.ses import SesEmail  # noqa: PLC0415 - each sender imports its own provider

    told = config(SendEmailConfig)
    provider = SesEmail(
        sending_client("sesv2"), from_address=told.email_from, configuration_set=told.ses_configuration_set
    )
    return _sender("email", told, provider, SignedTokens(secret(told.deployment_secret_arn).signing_key))


@cache
def sms() -> Sender:
    """Make the sender of SMS."""
    from carillon.adapters.providers.sns_sms import SnsSms  # noqa: PLC0415

    told = config(SendSmsConfig)
    return _sender("sms", told, SnsSms(sending_client("sns"), sender_id=told.sms_sender_id), NoTokens())


@cache
def whatsapp() -> Sender:
    """Make the sender of WhatsApp messages."""
    from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp  # noqa: PLC0415

    told = config(SendWhatsappConfig)
    kept = secret(told.deployment_secret_arn)
    provider = TwilioWhatsapp(
        kept.read, sender=told.whatsapp_from, api_url=told.twilio_api_url, callback_url=told.public_base_url
    )
    return _sender("whatsapp", told, provider, SignedTokens(kept.signing_key))


def _sender(channel: Channel, told: SenderConfig, provider: Provider, tokens: Tokens) -> Sender:
    return Sender(
        channel=channel,
        reader=DynamoReader(table(told.table_name)),
        messages=DynamoMessages(table(told.table_name)),
        queues=queues(told),
        connections=connections(told),
        composer=TemplateComposer(table(told.table_name), connections(told), current_clock),
        provider=provider,
        tokens=tokens,
        fallback=fallback(told),
        clock=current_clock,
        ids=RandomIds(),
        on_error=_report,
    )


def _report(ready: Ready, error: Exception) -> None:
    ids = {"organization_id": ready.org_id, "record": ready.record, "message_key": ready.key.digest}
    logger().error("sending broke", extra=ids, exc_info=error)
