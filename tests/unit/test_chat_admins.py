"""Connecting an organization's own bots: what Telegram and Viber are asked, in which order, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from carillon.adapters.providers.admin.telegram import TelegramAdmin
from carillon.adapters.providers.admin.viber import ViberAdmin
from carillon.adapters.providers.telegram_updates import webhook_secret
from carillon.domain.own_channels import OwnSender
from carillon.ports.channels import ChannelAdmin, ChannelRefused, ChannelUnreachable, Connected
from tests.bots import TOKEN, VIBER_TOKEN, PlayedApi, playing, raises

OTHER_TOKEN = "990201543:BBHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
HERE = "https://carillon.example"
TELEGRAM_WEBHOOK = f"{HERE}/callbacks/telegram/CH1"
VIBER_WEBHOOK = f"{HERE}/callbacks/viber/CH1"
STATED = {"telegram": {"bot_token": TOKEN}, "viber": {"auth_token": VIBER_TOKEN, "name": "Salon Aurora"}}
OWN = {
    "telegram": OwnSender("@aurora_bot", secrets={"bot_token": TOKEN}),
    "viber": OwnSender("Salon Aurora", {"name": "Salon Aurora", "uri": "aurora"}, {"auth_token": VIBER_TOKEN}),
}
ADMINS: dict[str, Callable[[], ChannelAdmin]] = {
    "telegram": lambda: TelegramAdmin("https://api.telegram.org", HERE),
    "viber": lambda: ViberAdmin("https://chatapi.viber.com", HERE),
}


class Bots(PlayedApi):
    """Answers each method; where nothing is set, as for a bot that is well."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, tuple[int, Any]] = {
            "getMe": (200, {"ok": True, "result": {"id": 110201543, "is_bot": True, "username": "aurora_bot"}}),
            "setWebhook": (200, {"ok": True, "result": True}),
            "getWebhookInfo": (200, {"ok": True, "result": {"url": TELEGRAM_WEBHOOK}}),
            "deleteWebhook": (200, {"ok": True, "result": True}),
            "get_account_info": (200, {"status": 0, "uri": "aurora", "name": "Aurora", "webhook": VIBER_WEBHOOK}),
            "set_webhook": (200, {"status": 0, "status_message": "ok"}),
        }
        self.on_answer = self.answer

    def answer(self) -> None:
        self.answers(*self.said[self.asked[-1].url.rpartition("/")[2]])

    @property
    def methods(self) -> list[str]:
        return [asked.url.rpartition("/")[2] for asked in self.asked]


@pytest.fixture
def bots() -> Iterator[Bots]:
    with playing(Bots()) as played:
        assert isinstance(played, Bots)
        yield played


def connect(channel: str, before: OwnSender | None = None, **stated: Any) -> Connected:
    return ADMINS[channel]().connect("aurora", "CH1", STATED[channel] | stated, before)


def test_a_telegram_bot_is_asked_for_its_name_and_calls_back_with_a_secret(bots: Bots) -> None:
    assert connect("telegram") == Connected(active=True, sender="@aurora_bot", kept={"username": "aurora_bot"})
    assert bots.methods == ["getMe", "setWebhook"]
    assert bots.asked[1].url == f"https://api.telegram.org/bot{TOKEN}/setWebhook"
    assert bots.asked[1].document == {
        "url": TELEGRAM_WEBHOOK,
        "secret_token": webhook_secret(TOKEN, "CH1"),
        "allowed_updates": ["message", "my_chat_member"],
    }


def test_a_viber_bot_is_asked_for_its_address_and_calls_back(bots: Bots) -> None:
    assert connect("viber") == Connected(active=True, sender="Salon Aurora", kept={"uri": "aurora"})
    assert bots.methods == ["get_account_info", "set_webhook"]
    assert bots.asked[1].headers["X-Viber-Auth-Token"] == VIBER_TOKEN
    assert bots.asked[1].document == {
        "url": VIBER_WEBHOOK,
        "event_types": ["delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started"],
        "send_name": False,
        "send_photo": False,
    }


@pytest.mark.parametrize(("channel", "methods"), [("telegram", 2), ("viber", 2)])
def test_connecting_the_same_bot_again_sets_it_up_again_and_nothing_else(
    bots: Bots, channel: str, methods: int
) -> None:
    connect(channel, before=OWN[channel])
    assert len(bots.methods) == methods
    assert ADMINS[channel]().check("aurora", "CH1", OWN[channel]) == connect(channel)


@pytest.mark.parametrize(
    ("channel", "before", "last"),
    [
        ("telegram", OwnSender("@old", secrets={"bot_token": OTHER_TOKEN}), ["getWebhookInfo", "deleteWebhook"]),
        ("viber", OwnSender("Old", secrets={"auth_token": "another-token"}), ["get_account_info", "set_webhook"]),
    ],
)
def test_a_bot_that_is_replaced_is_silenced_once_the_new_one_is_set_up(
    bots: Bots, channel: str, before: OwnSender, last: list[str]
) -> None:
    connect(channel, before=before)
    assert bots.methods[2:] == last
    if channel == "telegram":
        assert OTHER_TOKEN in bots.asked[-1].url
    else:
        assert bots.asked[-1].document == {"url": ""}


@pytest.mark.parametrize(("channel", "last"), [("telegram", "deleteWebhook"), ("viber", "set_webhook")])
def test_a_bot_that_is_given_up_is_silenced(bots: Bots, channel: str, last: str) -> None:
    ADMINS[channel]().disconnect("aurora", "CH1", OWN[channel])
    assert bots.methods[-1] == last


@pytest.mark.parametrize(("channel", "asked"), [("telegram", "getWebhookInfo"), ("viber", "get_account_info")])
def test_a_bot_that_was_connected_elsewhere_since_is_left_alone(bots: Bots, channel: str, asked: str) -> None:
    bots.said["getWebhookInfo"] = (200, {"ok": True, "result": {"url": "https://elsewhere.example"}})
    bots.said["get_account_info"] = (200, {"status": 0, "uri": "aurora", "webhook": "https://elsewhere.example"})
    ADMINS[channel]().disconnect("aurora", "CH1", OWN[channel])
    assert bots.methods == [asked]


@pytest.mark.parametrize(
    ("channel", "method", "answer"),
    [
        ("telegram", "getWebhookInfo", (401, {"ok": False, "description": "Unauthorized"})),
        ("viber", "get_account_info", (200, {"status": 2, "status_message": "invalidAuthToken"})),
    ],
)
def test_giving_up_a_bot_whose_token_was_revoked_is_done(
    bots: Bots, channel: str, method: str, answer: tuple[int, Any]
) -> None:
    bots.said[method] = answer
    ADMINS[channel]().disconnect("aurora", "CH1", OWN[channel])
    assert bots.methods == [method]


@pytest.mark.parametrize("channel", ["telegram", "viber"])
def test_a_bot_that_never_got_a_token_has_nothing_to_undo(bots: Bots, channel: str) -> None:
    ADMINS[channel]().disconnect("aurora", "CH1", OwnSender(""))
    assert bots.methods == []


@pytest.mark.parametrize(
    ("channel", "method", "answer", "pointer", "says"),
    [
        ("telegram", "getMe", (401, {}), "/bot_token", "does not know"),
        ("telegram", "getMe", (404, {}), "/bot_token", "does not know"),
        (
            "telegram",
            "setWebhook",
            (400, {"ok": False, "description": "Bad Request: bad webhook: An HTTPS URL must be provided"}),
            "",
            "HTTPS URL",
        ),
        ("viber", "get_account_info", (200, {"status": 2}), "/auth_token", "does not know"),
        ("viber", "get_account_info", (200, {"status": 7}), "/auth_token", "blocked"),
        ("viber", "get_account_info", (200, {"status": 8}), "/auth_token", "not known"),
        ("viber", "get_account_info", (200, {"status": 9}), "/auth_token", "suspended"),
        ("viber", "set_webhook", (200, {"status": 1}), "", "could not call"),
        ("viber", "set_webhook", (200, {"status": 3}), "", "status 3"),
    ],
)
def test_what_is_refused_names_the_field_and_no_secret(
    bots: Bots, channel: str, method: str, answer: tuple[int, Any], pointer: str, says: str
) -> None:
    bots.said[method] = answer
    with pytest.raises(ChannelRefused) as refused:
        connect(channel)
    assert refused.value.pointer == pointer
    assert says in str(refused.value)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("channel", "method", "answer"),
    [
        ("telegram", "getMe", (500, "")),
        ("telegram", "getMe", (429, {"ok": False, "parameters": {"retry_after": 5}})),
        ("telegram", "getMe", (200, {"ok": True, "result": {}})),
        ("telegram", "getMe", (200, "<html>")),
        ("telegram", "setWebhook", (502, "")),
        ("viber", "get_account_info", (500, "")),
        ("viber", "get_account_info", (200, "<html>")),
        ("viber", "get_account_info", (200, {"status": 0})),
        ("viber", "set_webhook", (200, {"status": 12})),
    ],
)
def test_what_can_not_be_told_may_be_repeated(bots: Bots, channel: str, method: str, answer: tuple[int, Any]) -> None:
    bots.said[method] = answer
    with pytest.raises(ChannelUnreachable):
        connect(channel)


@pytest.mark.parametrize("channel", ["telegram", "viber"])
@pytest.mark.parametrize("where", ["on_connect", "on_answer"])
def test_a_lost_connection_may_be_repeated_and_tells_no_secret(bots: Bots, channel: str, where: str) -> None:
    setattr(bots, where, raises(OSError(TOKEN)))
    with pytest.raises(ChannelUnreachable) as unreachable:
        connect(channel)
    assert unreachable.value.__cause__ is None
    assert TOKEN not in str(unreachable.value)


def test_the_webhooks_secret_is_what_telegram_takes_and_differs_by_bot_and_channel() -> None:
    secret = webhook_secret(TOKEN, "CH1")
    assert len(secret) == 43
    assert secret.replace("-", "").replace("_", "").isalnum()
    assert len({secret, webhook_secret(TOKEN, "CH2"), webhook_secret(OTHER_TOKEN, "CH1")}) == 3
