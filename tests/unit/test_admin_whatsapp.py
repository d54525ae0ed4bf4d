"""Connecting an organization's own WhatsApp number, against the local cloud's Twilio."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from carillon.adapters.providers.admin.whatsapp import WhatsappAdmin
from carillon.domain.own_channels import OwnSender
from carillon.ports.channels import ChannelRefused, ChannelUnreachable
from tests.twilio_http import (
    NUMBER,
    OFFLINE_NUMBER,
    OTHER,
    OTHER_NUMBER,
    OTHER_TOKEN,
    SUBACCOUNT,
    SUBACCOUNT_TOKEN,
    SUSPENDED,
    SUSPENDED_TOKEN,
    Answered,
    TwilioBehindHttp,
    twilio_behind_http,
)

STATED = {"account_sid": SUBACCOUNT, "auth_token": SUBACCOUNT_TOKEN, "sender": NUMBER}
AGAIN = "#rc=5&rp=all"
INBOUND = "https://carillon.example/callbacks/twilio/inbound?c="


@pytest.fixture
def http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioBehindHttp]:
    with twilio_behind_http(tmp_path, monkeypatch) as played:
        yield played


def admin(api_url: str = "https://api.twilio.com") -> WhatsappAdmin:
    return WhatsappAdmin(api_url=api_url, public_url="https://carillon.example")


def own(**changes: str) -> OwnSender:
    stated = STATED | changes
    return OwnSender(
        stated["sender"],
        {"account_sid": stated["account_sid"], "sender": stated["sender"]},
        {"auth_token": stated["auth_token"]},
    )


def inbound(http: TwilioBehindHttp, number: str = NUMBER) -> str | None:
    return http.twilio.accounts.inbound_url(number)


def test_a_number_that_is_online_is_active_and_its_inbound_messages_come_here(http: TwilioBehindHttp) -> None:
    connected = admin().connect("aurora", "01CH", STATED, None)
    assert (connected.active, connected.sender, connected.problem) == (True, NUMBER, None)
    assert connected.kept["sender_sid"].startswith("XE")
    assert inbound(http) == INBOUND + "01CH" + AGAIN


def test_each_api_has_its_host_and_another_one_is_asked_for_all(http: TwilioBehindHttp) -> None:
    admin().connect("aurora", "01CH", STATED, None)
    admin("http://127.0.0.1:4010").check("aurora", "01CH", own())
    hosts = [place.partition("/")[0] for _, place in http.requests]
    assert hosts == [
        "api.twilio.com",
        "messaging.twilio.com",
        "messaging.twilio.com",
        "127.0.0.1:4010",
        "127.0.0.1:4010",
    ]


def test_connecting_again_changes_nothing_at_twilio(http: TwilioBehindHttp) -> None:
    first = admin().connect("aurora", "01CH", STATED, None)
    http.requests.clear()
    assert admin().connect("aurora", "01CH", STATED, own()) == first
    assert [method for method, _ in http.requests] == ["GET", "GET"]


def test_a_number_that_is_not_online_is_pending_and_says_so(http: TwilioBehindHttp) -> None:
    connected = admin().connect("aurora", "01CH", STATED | {"sender": OFFLINE_NUMBER}, None)
    assert (connected.active, connected.problem) == (False, "Twilio says that the sender is OFFLINE")
    assert inbound(http, OFFLINE_NUMBER) == INBOUND + "01CH" + AGAIN


@pytest.mark.parametrize(
    ("stated", "pointer"),
    [
        (STATED | {"auth_token": "wrong-token"}, "/auth_token"),
        (STATED | {"account_sid": "AC" + "f" * 32}, "/auth_token"),
        (STATED | {"auth_token": OTHER_TOKEN}, "/auth_token"),
        (STATED | {"sender": OTHER_NUMBER}, "/sender"),
        ({"account_sid": SUSPENDED, "auth_token": SUSPENDED_TOKEN, "sender": "+15005550019"}, "/account_sid"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field_without_the_token(
    http: TwilioBehindHttp, stated: dict[str, str], pointer: str
) -> None:
    with pytest.raises(ChannelRefused) as refused:
        admin().connect("aurora", "01CH", stated, None)
    assert refused.value.pointer == pointer
    assert stated["auth_token"] not in f"{refused.value!r}{refused.value.__cause__!r}"
    assert [method for method, _ in http.requests if method == "POST"] == []


@pytest.mark.parametrize(
    "fails",
    [
        urllib3.exceptions.ConnectTimeoutError(None, f"http://{SUBACCOUNT}:{SUBACCOUNT_TOKEN}@api", "timed out"),
        urllib3.exceptions.ProtocolError("connection lost"),
        Answered(500, b"{}"),
        Answered(503, b"not json"),
        Answered(429, b'{"code": 20429}'),
    ],
)
def test_a_twilio_that_does_not_answer_is_unreachable(http: TwilioBehindHttp, fails: Exception | Answered) -> None:
    http.fails = fails
    for call in (
        lambda: admin().connect("aurora", "01CH", STATED, None),
        lambda: admin().check("aurora", "01CH", own()),
        lambda: admin().disconnect("aurora", "01CH", own()),
    ):
        with pytest.raises(ChannelUnreachable) as unreachable:
            call()
        assert SUBACCOUNT_TOKEN not in f"{unreachable.value!r}{unreachable.value.__cause__!r}"


def test_a_refusal_that_nobody_expected_carries_twilios_code(http: TwilioBehindHttp) -> None:
    http.fails = Answered(400, b'{"code": 20001, "message": "Bad request"}')
    with pytest.raises(ChannelRefused, match="20001"):
        admin().check("aurora", "01CH", own())


def test_a_check_sets_an_inbound_address_again_that_somebody_removed(http: TwilioBehindHttp) -> None:
    admin().connect("aurora", "01CH", STATED, None)
    http.twilio.accounts._store.put_note(f"twilio sender {NUMBER}", {"callback_url": ""})
    assert admin().check("aurora", "01CH", own()).active
    assert inbound(http) == INBOUND + "01CH" + AGAIN


def test_giving_up_ends_inbound_messages_here_but_no_address_that_is_somebody_elses(http: TwilioBehindHttp) -> None:
    admin().connect("aurora", "01CH", STATED, None)
    admin().disconnect("aurora", "01CH", own())
    assert inbound(http) is None
    admin().connect("aurora", "01NEW", STATED, None)
    admin().disconnect("aurora", "01CH", own())
    assert inbound(http) == INBOUND + "01NEW" + AGAIN


def test_giving_up_with_credentials_that_ended_meanwhile_is_done(http: TwilioBehindHttp) -> None:
    admin().disconnect("aurora", "01CH", own(auth_token="ended"))
    assert http.requests == [("GET", "messaging.twilio.com/v2/Channels/Senders")]


def test_another_number_in_its_place_lets_the_old_one_go(http: TwilioBehindHttp) -> None:
    admin().connect("aurora", "01CH", STATED, None)
    other = {"account_sid": OTHER, "auth_token": OTHER_TOKEN, "sender": OTHER_NUMBER}
    admin().connect("aurora", "01CH", other, own())
    assert (inbound(http), inbound(http, OTHER_NUMBER)) == (None, INBOUND + "01CH" + AGAIN)
