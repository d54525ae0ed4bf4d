"""The senders, one per channel, and what takes their receipts."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

from carillon.adapters.aws import client, sending_client
from carillon.adapters.composing import TemplateComposer
from carillon.adapters.dynamodb.channel_states import DynamoChannelStates
from carillon.adapters.dynamodb.client_days import DynamoClientDays
from carillon.adapters.dynamodb.days import DynamoDays
from carillon.adapters.dynamodb.last_writers import DynamoLastWriters
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.opting import DynamoOptings
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.own_senders import StoredOwnSenders
from carillon.adapters.providers.simulated import ExceptTestData
from carillon.adapters.queues import ready_from_data
from carillon.adapters.system import RandomIds
from carillon.adapters.tokens import NoTokens, SignedLinks, SignedTokens
from carillon.adapters.vault import KmsVault
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.outbound import connections, fallback, queues
from carillon.bootstrap.secrets import secret
from carillon.domain.channels import LISTABLE, Channel
from carillon.domain.manual import ELSEWHERE
from carillon.ports.delivery import LookUp, Provider, Tokens
from carillon.ports.manual import Files
from carillon.ports.opting import OptOuts
from carillon.ports.queues import Ready
from carillon.ports.suppressions import AddressMarks
from carillon.runtime.config import (
    SendEmailConfig,
    SenderConfig,
    SendPushConfig,
    SendSmsConfig,
    SendTelegramConfig,
    SendViberConfig,
    SendWhatsappConfig,
)
from carillon.services.blocks import Blocks
from carillon.services.closing import Closing
from carillon.services.mailing import Mailing
from carillon.services.opting import Opting
from carillon.services.other_addresses import OtherAddresses
from carillon.services.outgoing import OutgoingMaker
from carillon.services.pausing import Pausing
from carillon.services.recap_lists import RecapLists
from carillon.services.same_day import SameDay
from carillon.services.sending import Sender
from carillon.services.settling import Report, Settling
from carillon.services.shared_numbers import SHARED_SMS, SharedNumber


def reader(channel: Channel) -> Callable[[dict[str, Any]], Ready]:
    """Give what reads the messages of a channel's queue."""
    return partial(ready_from_data, channel=channel)


@cache
def email(report: Report) -> Sender:
    """Make the sender of e-mail."""
    from carillon.adapters.calendars import CalendarFiles  # noqa: PLC0415 - each sender imports what it needs
    from carillon.adapters.providers.ses import SesEmail  # noqa: PLC0415

    told = config(SendEmailConfig)
    provider = SesEmail(
        sending_client("sesv2"), from_address=told.email_from, configuration_set=told.ses_configuration_set
    )
    key = secret(told.deployment_secret_arn).signing_key
    mailing = Mailing(CalendarFiles(key, told.email_from), SignedLinks(key, told.public_base_url))
    return _sender("email", report, told, provider, SignedTokens(key), mailing)


@cache
def sms(report: Report) -> Sender:
    """Make the sender of SMS."""
    told = config(SendSmsConfig)
    if told.sms_backend == "eum":
        return _sms_with_receipts(told, report)
    from carillon.adapters.providers.sns_sms import SnsSms  # noqa: PLC0415

    provider = SnsSms(sending_client("sns"), sender_id=told.sms_sender_id, max_price=told.sms_max_price)
    return _sender("sms", report, told, provider, NoTokens())


def _sms_with_receipts(told: SendSmsConfig, report: Report) -> Sender:
    """Make the sender of SMS over AWS End User Messaging, where people can also write back."""
    from carillon.adapters.providers.eum_sms import EumSms  # noqa: PLC0415

    provider = EumSms(
        sending_client("pinpoint-sms-voice-v2"),
        origination=told.sms_origination_identity or told.sms_sender_id,
        configuration_set=told.sms_configuration_set,
        max_price=told.sms_max_price,
    )
    tokens = SignedTokens(secret(told.deployment_secret_arn).signing_key)
    sender = _sender("sms", report, told, provider, tokens)
    return replace(sender, shared=SharedNumber(SHARED_SMS, DynamoLastWriters(table(told.table_name))))


@cache
def whatsapp(report: Report) -> Sender:
    """Make the sender of WhatsApp messages."""
    from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp  # noqa: PLC0415

    told = config(SendWhatsappConfig)
    kept = secret(told.deployment_secret_arn)
    provider = TwilioWhatsapp(
        kept.read, sender=told.whatsapp_from, api_url=told.twilio_api_url, callback_url=told.public_base_url
    )
    sender = _sender("whatsapp", report, told, provider, SignedTokens(kept.signing_key), look_up=provider)
    number = told.whatsapp_from.removeprefix("whatsapp:")
    return replace(sender, shared=SharedNumber(number, DynamoLastWriters(table(told.table_name))))


@cache
def push(report: Report) -> Sender:
    """Make the sender of push messages."""
    from carillon.adapters.dynamodb.devices import DynamoDevices  # noqa: PLC0415
    from carillon.adapters.providers.sns_endpoints import SnsEndpoints  # noqa: PLC0415
    from carillon.adapters.providers.sns_push import SnsPush  # noqa: PLC0415
    from carillon.services.gone_devices import GoneDevices  # noqa: PLC0415

    told = config(SendPushConfig)
    gone = GoneDevices(DynamoDevices(table(told.table_name)), SnsEndpoints(lambda: client("sns")), current_clock)
    sender = _sender("push", report, told, SnsPush(sending_client("sns")), NoTokens())
    return replace(sender, settling=replace(sender.settling, gone=gone))


@cache
def telegram(report: Report) -> Sender:
    """Make the sender of Telegram messages."""
    from carillon.adapters.providers.telegram import TelegramBotApi  # noqa: PLC0415

    told = config(SendTelegramConfig)
    return _sender("telegram", report, told, TelegramBotApi(told.telegram_api_url), NoTokens())


@cache
def viber(report: Report) -> Sender:
    """Make the sender of Viber messages."""
    from carillon.adapters.providers.viber import ViberBotApi  # noqa: PLC0415

    told = config(SendViberConfig)
    tokens = SignedTokens(secret(told.deployment_secret_arn).signing_key)
    return _sender("viber", report, told, ViberBotApi(told.viber_api_url), tokens)


def own_senders(table_name: str, kms_key_arn: str | None) -> StoredOwnSenders:
    """Open organizations' own senders; without a key only those that have no secrets."""
    vault = KmsVault(lambda: client("kms"), kms_key_arn) if kms_key_arn is not None else None
    return StoredOwnSenders(table(table_name), vault, current_clock)


def _sender(
    channel: Channel,
    report: Report,
    told: SenderConfig,
    provider: Provider,
    tokens: Tokens,
    mailing: Mailing | None = None,
    look_up: LookUp | None = None,
) -> Sender:
    links = mailing.links if mailing is not None else None
    items, known = table(told.table_name), connections(told)
    messages, lines, following = DynamoMessages(items), queues(told), fallback(told)
    outgoing = OutgoingMaker(
        composer=TemplateComposer(items, known, current_clock, links),
        tokens=tokens,
        own=own_senders(told.table_name, getattr(told, "kms_key_arn", None)),
        mailing=mailing,
        files=_files(told),
    )
    marks = _marks(told)
    blocks = Blocks(_opt_outs(channel, items), marks)
    pausing = Pausing(DynamoChannelStates(items), lines, current_clock, RandomIds())
    closing = Closing(messages, lines, outgoing, following, current_clock, look_up)
    return Sender(
        channel=channel,
        reader=DynamoReader(items),
        messages=messages,
        queues=lines,
        connections=known,
        outgoing=outgoing,
        provider=ExceptTestData(provider),
        fallback=following,
        pausing=pausing,
        settling=Settling(messages, lines, following, pausing, blocks, closing, current_clock, report),
        closing=closing,
        blocks=blocks,
        clock=current_clock,
        ids=RandomIds(),
        on_error=report,
        others=_others(channel, items, told),
        lists=RecapLists(DynamoReader(items), DynamoDays(items), current_clock) if channel in LISTABLE else None,
        same_day=SameDay(DynamoReader(items), DynamoClientDays(items)),
        marks=marks,
    )


def _others(channel: Channel, items: Table, told: SenderConfig) -> OtherAddresses | None:
    """Know what was said at other addresses than people's own, on the channels on which there are such."""
    if channel not in ELSEWHERE:
        return None
    from carillon.adapters.dynamodb.replies import DynamoAddressBook  # noqa: PLC0415

    return OtherAddresses(DynamoReader(items), DynamoAddressBook(items), _marks(told))


def _marks(told: SenderConfig) -> AddressMarks | None:
    """Know what is held against the addresses of leads' contacts, on the channels that reach them."""
    if not isinstance(told, SendEmailConfig | SendSmsConfig | SendWhatsappConfig):
        return None
    from carillon.bootstrap.marks import address_marks  # noqa: PLC0415

    return address_marks(told.table_name, told.deployment_secret_arn)


def _files(told: SenderConfig) -> Files | None:
    """Read files that go with e-mail; no other channel takes any."""
    if not isinstance(told, SendEmailConfig):
        return None
    from carillon.adapters.files import S3Files  # noqa: PLC0415

    return S3Files(lambda: client("s3"), told.attachments_bucket)


def _opt_outs(channel: Channel, items: Table) -> OptOuts:
    """Give what takes a block as an opt-out; on chats the link itself ends."""
    if channel not in ("telegram", "viber"):
        return Opting(DynamoOptings(items), current_clock, RandomIds())
    from carillon.adapters.dynamodb.chats import DynamoChatLinks  # noqa: PLC0415
    from carillon.adapters.dynamodb.clients import DynamoClients  # noqa: PLC0415
    from carillon.services.unlinking import Unlinking  # noqa: PLC0415

    return Unlinking(channel, DynamoClients(items), DynamoChatLinks(items), current_clock, RandomIds())
