"""Our calls of Twilio's Content API, against Twilio's own SDK, which is generated from its OpenAPI description.

The SDK is asked for the same thing, and both requests are compared: method, address, body. Then both read the same
answers.
"""

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from carillon.adapters.providers.twilio_content import TwilioContent
from carillon.domain.whatsapp import approved_text
from carillon.ports.texts import ContentRefused

SID = "HX" + "1b" * 16
TEXT = approved_text(
    "reminder.day_before",
    "client",
    "pl",
    "Cześć {{ client.first_name }}, do zobaczenia jutro o {{ appointment.time }} u nas, czekamy na Ciebie serdecznie!",
    {"client.first_name": "Anna", "appointment.time": "14:30"},
)
CONTENT = {"sid": SID, "friendly_name": TEXT.name, "language": "pl", "variables": {}, "types": {}}
ANSWERS: dict[str, dict[str, Any]] = {
    f"/v1/Content/{SID}/ApprovalRequests/whatsapp": {"name": TEXT.name, "category": "UTILITY", "status": "received"},
    f"/v1/Content/{SID}/ApprovalRequests": {"sid": SID, "whatsapp": {"status": "approved"}},
    "/v1/Content": {"contents": [CONTENT], "meta": {"key": "contents", "next_page_url": None}},
}


@dataclass(frozen=True)
class Asked:
    """A request, as it goes over the wire."""

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: Any
    authorization: bool


def asked(method: str, url: str, body: Any, *, authorization: bool) -> Asked:
    parts = urlsplit(url)
    return Asked(method, parts.netloc, parts.path, tuple(parse_qsl(parts.query)), body, authorization)


def answer(request: Asked) -> dict[str, Any]:
    return CONTENT if (request.method, request.path) == ("POST", "/v1/Content") else ANSWERS.get(request.path, CONTENT)


class PlayedHttp(HttpClient):  # type: ignore[misc]
    """What the SDK sends its requests through."""

    def __init__(self) -> None:
        super().__init__(None, False, None)
        self.asked: list[Asked] = []

    def request(self, method: str, uri: str, *, params: Any = None, data: Any = None, **rest: Any) -> Response:
        query = tuple((name, str(value)) for name, value in (params or {}).items())
        request = asked(method, uri, without_nothing(data), authorization=rest["auth"] == ("AC1", "token"))
        self.asked.append(replace(request, query=request.query + query))
        return Response(201 if method == "POST" else 200, json.dumps(answer(request)))


def without_nothing(data: Any) -> Any:
    """Leave out what isn't set, which the SDK writes as null."""
    return {name: without_nothing(v) for name, v in data.items() if v is not None} if isinstance(data, dict) else data


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    kept: list[Asked] = []

    def request(_: object, method: str, url: str, *, body: str | None, headers: dict[str, str]) -> Any:
        signed = headers["authorization"] == urllib3.make_headers(basic_auth="AC1:token")["authorization"]
        assert headers["Content-Type"] == "application/json"
        kept.append(asked(method, url, json.loads(body) if body is not None else None, authorization=signed))
        return urllib3.HTTPResponse(json.dumps(answer(kept[-1])).encode(), status=201 if method == "POST" else 200)

    monkeypatch.setattr(urllib3.PoolManager, "request", request)
    return kept


@pytest.fixture
def theirs() -> PlayedHttp:
    return PlayedHttp()


def sdk(http: PlayedHttp) -> Client:
    return Client("AC1", "token", http_client=http)


def content() -> TwilioContent:
    return TwilioContent("AC1", "token")


def test_a_template_is_made_as_the_sdk_makes_it(ours: list[Asked], theirs: PlayedHttp) -> None:
    sid = content().create(TEXT)
    wanted = ContentList.ContentCreateRequest(
        {
            "friendly_name": TEXT.name,
            "language": "pl",
            "variables": {"1": "Anna", "2": "14:30"},
            "types": ContentList.Types({"twilio/text": ContentList.TwilioText({"body": TEXT.body})}),
        }
    )
    assert sid == sdk(theirs).content.v1.contents.create(wanted).sid
    assert ours == theirs.asked
    assert ours[0].body["types"] == {"twilio/text": {"body": TEXT.body}}


@pytest.mark.parametrize(("marketing", "category"), [(False, "UTILITY"), (True, "MARKETING")])
def test_a_template_is_handed_in_as_the_sdk_hands_it_in(
    ours: list[Asked], theirs: PlayedHttp, marketing: bool, category: str
) -> None:
    status = content().submit(SID, replace(TEXT, marketing=marketing))
    wanted = ApprovalCreateList.ContentApprovalRequest({"name": TEXT.name, "category": category})
    assert status == sdk(theirs).content.v1.contents(SID).approval_create.create(wanted).status
    assert ours == theirs.asked


def test_an_approval_is_asked_for_as_the_sdk_asks(ours: list[Asked], theirs: PlayedHttp) -> None:
    status = content().status(SID)
    assert status == sdk(theirs).content.v1.contents(SID).approval_fetch().fetch().whatsapp["status"] == "approved"
    assert ours == theirs.asked


def test_templates_are_listed_as_the_sdk_lists_them(ours: list[Asked], theirs: PlayedHttp) -> None:
    names = content().names()
    assert names == {one.friendly_name: one.sid for one in sdk(theirs).content.v1.contents.list(page_size=500)}
    assert ours == theirs.asked


def test_a_difference_shows(ours: list[Asked], theirs: PlayedHttp) -> None:
    content().status(SID)
    sdk(theirs).content.v1.contents(SID).fetch()
    assert ours != theirs.asked


def test_a_refusal_carries_twilios_words(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"code": 20422, "message": "Invalid Parameter", "status": 422}).encode()
    monkeypatch.setattr(urllib3.PoolManager, "request", lambda *_, **__: urllib3.HTTPResponse(body, status=422))
    with pytest.raises(ContentRefused, match="422 20422 Invalid Parameter"):
        content().create(TEXT)
