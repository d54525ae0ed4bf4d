"""What takes the callbacks of organizations' bots."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from carillon.adapters.aws import client
from carillon.adapters.bot_webhooks import BotWebhooks, CalledBot
from carillon.adapters.chat_texts import chat_text
from carillon.adapters.dynamodb.chats import DynamoChatLinks
from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.opting import DynamoOptings
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.replies import DynamoAddressBook, DynamoReplies
from carillon.adapters.providers import telegram_updates, viber_events
from carillon.adapters.providers.viber import ViberBotApi
from carillon.adapters.system import RandomIds
from carillon.adapters.tokens import SignedTokens
from carillon.adapters.vault import KmsVault
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.outbound import queues
from carillon.bootstrap.receipts import twilio as receipts
from carillon.bootstrap.secrets import secret
from carillon.domain.chats import ChatChannel, ChatEvent, ChatReceipt
from carillon.ports.delivery import Outgoing, Rendered
from carillon.runtime.config import CallbacksConfig
from carillon.services.chat_receipts import ChatReceipts
from carillon.services.chats import Chats, Said
from carillon.services.inbound import Inbound
from carillon.services.opting import Opting
from carillon.services.unlinking import Unlinking


def telegram(channel_id: str, headers: Mapping[str, str], body: str) -> Mapping[str, Any] | None:
    """Take a Telegram update; gives the answer that Telegram acts on. None: it did not come from Telegram."""
    bot = _webhooks().find("telegram", channel_id)
    given = headers.get(telegram_updates.SECRET_HEADER)
    tokens = [sender.secrets.get("bot_token", "") for sender in bot.senders] if bot is not None else []
    genuine = [telegram_updates.is_from_telegram(token, channel_id, given) for token in tokens]
    if bot is None or not any(genuine):
        return None
    event = telegram_updates.read_update(body)
    if event is None or bot.stored.phase != "connected":
        return {}
    said = _chats("telegram").take(bot.org_id, channel_id, event)
    return telegram_updates.answer(event.chat_id, _text(said)) if said is not None else {}


def viber(channel_id: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, Any] | None:
    """Take a Viber callback; gives the answer that Viber acts on. None: it did not come from Viber."""
    bot = _webhooks().find("viber", channel_id)
    given = headers.get(viber_events.SIGNATURE_HEADER)
    tokens = [sender.secrets.get("auth_token", "") for sender in bot.senders] if bot is not None else []
    genuine = [viber_events.is_from_viber(token, body, given) for token in tokens]
    if bot is None or not any(genuine):
        return None
    event = viber_events.read_event(body)
    if event is None or bot.stored.phase != "connected":
        return {}
    if isinstance(event, ChatReceipt):
        _receipts().apply(bot.org_id, event)
        return {}
    said = _chats("viber").take(bot.org_id, channel_id, event)
    if said is None:
        return {}
    if said.answering:
        return viber_events.welcome(bot.stored.sender, _text(said))
    _say(bot, event, said)
    return {}


def _say(bot: CalledBot, event: ChatEvent, said: Said) -> None:
    """Tell a person who has just joined that he is connected: asked for once, and if it is lost, only that is lost."""
    _viber_api().send(
        Outgoing(
            org_id=bot.org_id,
            message_id=event.event_id,
            to=event.chat_id,
            rendered=Rendered(_text(said)),
            token="",
            valid_seconds=60,
            sender_name=said.organization,
            own=bot.senders[0],
        )
    )


def _text(said: Said) -> str:
    return chat_text(said.text, said.locales, said.organization)


@cache
def _webhooks() -> BotWebhooks:
    told = config(CallbacksConfig)
    return BotWebhooks(table(told.table_name), KmsVault(lambda: client("kms"), told.kms_key_arn), current_clock)


@cache
def _viber_api() -> ViberBotApi:
    return ViberBotApi(config(CallbacksConfig).viber_api_url)


@cache
def _chats(channel: ChatChannel) -> Chats:
    told = config(CallbacksConfig)
    items, ids = table(told.table_name), RandomIds()
    clients, links = DynamoClients(items), DynamoChatLinks(items)
    inbound = Inbound(
        replies=DynamoReplies(items),
        addresses=DynamoAddressBook(items),
        reader=DynamoReader(items),
        clients=clients,
        messages=DynamoMessages(items),
        queues=queues(told),
        opting=Opting(DynamoOptings(items), current_clock, ids),
        clock=current_clock,
        ids=ids,
    )
    unlinking = Unlinking(channel, clients, links, current_clock, ids)
    return Chats(channel, clients, links, inbound, unlinking, current_clock, ids)


@cache
def _receipts() -> ChatReceipts:
    told = config(CallbacksConfig)
    items = table(told.table_name)
    return ChatReceipts(
        channel="viber",
        receipts=receipts(),
        messages=DynamoMessages(items),
        clients=DynamoClients(items),
        links=DynamoChatLinks(items),
        tokens=SignedTokens(secret(told.deployment_secret_arn).signing_key),
        clock=current_clock,
    )
