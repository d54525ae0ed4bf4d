"""WhatsApp through Twilio: what is asked for, and what each answer means. The HTTP session is played here."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from requests import PreparedRequest, Response, Session
from requests.exceptions import ChunkedEncodingError, ConnectTimeout, ReadTimeout
from requests.exceptions import ConnectionError as LostConnection
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, ProtocolError

from carillon.adapters.providers.twilio_codes import MISCONFIGURED, PERMANENT, RETRY, RETRY_ONCE, failure_reason
from carillon.adapters.providers.twilio_whatsapp import TIMEOUTS, TwilioWhatsapp
from carillon.adapters.secrets import Secrets
from carillon.ports.delivery import Outcome, Outgoing, Rendered
from tests.builders import ORG

ACCEPTED = {"sid": "SM1", "status": "queued", "account_sid": "AC1"}


class PlayedSession:
    """Stands in for `requests.Session.send`: keeps each request and gives the answer set."""

    def __init__(self) -> None:
        self.requests: list[tuple[PreparedRequest, dict[str, Any]]] = []
        self.answer: Callable[[PreparedRequest], Response] = lambda _: answered(201, ACCEPTED)

    def send(self, _session: Session, request: PreparedRequest, **kwargs: Any) -> Response:
        self.requests.append((request, kwargs))
        return self.answer(request)

    def form(self) -> dict[str, str]:
        request, _ = self.requests[-1]
        body = request.body
        assert isinstance(body, str)
        return {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}


def answered(status: int, body: object) -> Response:
    response = Response()
    response.status_code = status
    response._content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return response


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> PlayedSession:
    played = PlayedSession()

    def send(session: Session, request: PreparedRequest, **kwargs: Any) -> Response:
        return played.send(session, request, **kwargs)

    monkeypatch.setattr(Session, "send", send)
    return played


def whatsapp(secrets: Secrets | None = None) -> TwilioWhatsapp:
    return TwilioWhatsapp(
        lambda: secrets or Secrets("key", "AC1", "token"),
        sender="whatsapp:+15550001111",
        api_url="https://api.twilio.com",
        callback_url="https://carillon.example",
    )


def outgoing(**changes: Any) -> Outgoing:
    basis: dict[str, Any] = {
        "org_id": ORG,
        "message_id": "01M",
        "to": "+31612345678",
        "rendered": Rendered("Tot morgen", content_sid="HX1", variables={"1": "Anna", "2": "14:30"}),
        "token": "tok_EN-1",
        "valid_seconds": 3600,
        "sender_name": "Salon Aurora",
    }
    return Outgoing(**(basis | changes))


def test_an_approved_template_is_filled_and_the_token_comes_back(http: PlayedSession) -> None:
    assert whatsapp().send(outgoing()) == Outcome("accepted", provider_id="SM1")
    assert http.form() == {
        "To": "whatsapp:+31612345678",
        "From": "whatsapp:+15550001111",
        "StatusCallback": "https://carillon.example/callbacks/twilio/status?m=tok_EN-1#rc=5&rp=all",
        "ValidityPeriod": "3600",
        "ContentSid": "HX1",
        "ContentVariables": '{"1": "Anna", "2": "14:30"}',
    }
    (request, kwargs) = http.requests[0]
    assert request.url == "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"
    assert len(http.requests) == 1
    assert kwargs["timeout"] == TIMEOUTS


def test_inside_the_window_free_text_goes(http: PlayedSession) -> None:
    whatsapp().send(outgoing(rendered=Rendered("Tot morgen")))
    assert http.form()["Body"] == "Tot morgen"
    assert "ContentSid" not in http.form()


def test_a_template_without_variables_is_sent_without_any(http: PlayedSession) -> None:
    whatsapp().send(outgoing(rendered=Rendered("Tot morgen", content_sid="HX1")))
    assert "ContentVariables" not in http.form()


def test_a_message_is_valid_no_longer_than_twilio_keeps_it(http: PlayedSession) -> None:
    whatsapp().send(outgoing(valid_seconds=500_000))
    assert http.form()["ValidityPeriod"] == "36000"


def test_another_base_address_takes_the_same_path(http: PlayedSession) -> None:
    aimed = TwilioWhatsapp(
        lambda: Secrets("key", "AC1", "token"),
        sender="whatsapp:+15550001111",
        api_url="http://127.0.0.1:4010",
        callback_url="https://carillon.example",
    )
    aimed.send(outgoing())
    assert http.requests[0][0].url == "http://127.0.0.1:4010/2010-04-01/Accounts/AC1/Messages.json"


def test_a_rotated_token_is_used_from_then_on(http: PlayedSession) -> None:
    kept = [Secrets("key", "AC1", "old"), Secrets("key", "AC1", "new")]
    sender = TwilioWhatsapp(lambda: kept.pop(0), sender="s", api_url="https://api.twilio.com", callback_url="https://c")
    sender.send(outgoing())
    sender.send(outgoing())
    first, second = (request.headers["Authorization"] for request, _ in http.requests)
    assert first != second


@pytest.mark.parametrize("secrets", [Secrets("key", "", ""), Secrets("key", "AC1", ""), Secrets("key", "", "token")])
def test_without_an_account_nothing_is_called(http: PlayedSession, secrets: Secrets) -> None:
    assert whatsapp(secrets).send(outgoing()) == Outcome("misconfigured", code="no_credentials")
    assert http.requests == []


def test_secrets_do_not_show() -> None:
    assert "token" not in repr(Secrets("key", "AC1", "token"))


def refused(status: int, code: int | None) -> Callable[[PreparedRequest], Response]:
    body = {"message": "no", "status": status} | ({"code": code} if code is not None else {})
    return lambda _: answered(status, body)


REJECTED = Outcome("permanent", reason="recipient_rejected")
BLOCKED = Outcome("permanent", reason="blocked_by_recipient")
UNREACHABLE = Outcome("permanent", reason="unreachable")
CONTENT = Outcome("permanent", reason="content_rejected")
OTHER = Outcome("permanent", reason="provider_error")
CONFIG = Outcome("misconfigured")
UNKNOWN = Outcome("unknown", reason="provider_5xx")
MEANINGS: list[tuple[int, int | None, Outcome]] = [
    (400, 21211, REJECTED),
    (400, 21614, REJECTED),
    (400, 21635, REJECTED),
    (400, 21610, BLOCKED),
    (400, 21654, CONTENT),
    (400, 21656, CONTENT),
    (400, 63005, CONTENT),
    (400, 63013, CONTENT),
    (400, 63016, CONTENT),
    (400, 63021, CONTENT),
    (400, 63027, CONTENT),
    (400, 63028, CONTENT),
    (400, 63030, CONTENT),
    (400, 63003, UNREACHABLE),
    (400, 63015, UNREACHABLE),
    (400, 63024, REJECTED),
    (400, 63014, BLOCKED),
    (400, 63032, UNREACHABLE),
    (400, 63049, OTHER),
    (400, 30003, Outcome("retry", retry_after=300)),
    (400, 30004, UNREACHABLE),
    (400, 30005, REJECTED),
    (400, 30006, REJECTED),
    (400, 30007, CONTENT),
    (401, 20003, CONFIG),
    (400, 63001, CONFIG),
    (400, 63007, CONFIG),
    (400, 63008, CONFIG),
    (400, 63020, CONFIG),
    (400, 63022, CONFIG),
    (429, 20429, Outcome("retry")),
    (400, 21611, Outcome("retry")),
    (400, 30001, Outcome("retry")),
    (400, 63017, Outcome("retry")),
    (400, 63018, Outcome("retry", retry_after=3600)),
    (429, 63018, Outcome("retry", retry_after=3600)),
    (400, 63038, Outcome("retry", retry_after=21_600)),
    (401, None, CONFIG),
    (429, None, Outcome("retry")),
    (429, 99999, Outcome("retry")),
    (307, None, OTHER),
    (400, None, OTHER),
    (400, 99999, OTHER),
    (404, 20404, OTHER),
    (500, None, UNKNOWN),
    (500, 20500, UNKNOWN),
    (502, None, UNKNOWN),
    (503, None, UNKNOWN),
    (504, 99999, UNKNOWN),
]


@pytest.mark.parametrize(("status", "code", "meaning"), MEANINGS)
def test_each_refusal_has_its_meaning(http: PlayedSession, status: int, code: int | None, meaning: Outcome) -> None:
    http.answer = refused(status, code)
    assert whatsapp().send(outgoing()) == replace(meaning, code=str(code or status))
    assert len(http.requests) == 1


def test_every_listed_code_is_tried() -> None:
    assert {*PERMANENT, *MISCONFIGURED, *RETRY, *RETRY_ONCE} <= {code for _, code, _ in MEANINGS}


@pytest.mark.parametrize("attempt", [2, 3])
def test_an_unreachable_handset_is_tried_again_once(http: PlayedSession, attempt: int) -> None:
    http.answer = refused(400, 30003)
    assert whatsapp().send(outgoing(attempt=attempt)) == replace(UNREACHABLE, code="30003")


def test_a_refusal_as_a_problem_document_is_read_alike(http: PlayedSession) -> None:
    body = {"type": "https://www.twilio.com/docs/errors/21211", "title": "Invalid", "status": 400, "code": 21211}
    http.answer = lambda _: answered(400, body)
    assert whatsapp().send(outgoing()) == Outcome("permanent", reason="recipient_rejected", code="21211")


def test_a_gateways_error_page_says_nothing_about_the_message(http: PlayedSession) -> None:
    http.answer = lambda _: answered(502, "<html>Bad gateway</html>")
    assert whatsapp().send(outgoing()) == Outcome("unknown", reason="provider_5xx", code="502")


@pytest.mark.parametrize("body", ["<html>", "[]", "null", '"queued"'])
def test_an_acceptance_that_cannot_be_read_is_unknown(http: PlayedSession, body: str) -> None:
    http.answer = lambda _: answered(201, body)
    assert whatsapp().send(outgoing()) == Outcome("unknown", reason="connection_lost", code="unreadable_answer")


def raising(error: Exception) -> Callable[[PreparedRequest], Response]:
    def broken(_: PreparedRequest) -> Response:
        raise error

    return broken


NO_POOL: Any = None


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (ConnectTimeout(), "retry", None),
        (LostConnection(MaxRetryError(NO_POOL, "/", NewConnectionError(NO_POOL, "refused"))), "retry", None),
        (LostConnection(MaxRetryError(NO_POOL, "/", NameResolutionError("h", NO_POOL, NO_POOL))), "retry", None),
        (ReadTimeout(), "unknown", "provider_timeout"),
        (LostConnection(ProtocolError("Connection aborted.")), "unknown", "connection_lost"),
        (LostConnection(), "unknown", "connection_lost"),
        (ChunkedEncodingError(), "unknown", "connection_lost"),
    ],
)
def test_a_lost_connection_is_unknown_only_if_the_request_may_have_been_read(
    http: PlayedSession, error: Exception, kind: str, reason: str | None
) -> None:
    http.answer = raising(error)
    found = whatsapp().send(outgoing())
    assert (found.kind, found.reason) == (kind, reason)
    assert len(http.requests) == 1


def test_no_code_means_two_things() -> None:
    listed = [*PERMANENT, *MISCONFIGURED, *RETRY, *RETRY_ONCE]
    assert len(listed) == len(set(listed))


def test_the_persons_own_word_has_a_reason_of_its_own() -> None:
    assert {code for code, reason in PERMANENT.items() if reason == "blocked_by_recipient"} == {21610, 63014}


@pytest.mark.parametrize(
    ("code", "reason"),
    [*((str(code), reason) for code, reason in PERMANENT.items()),
     *((str(code), "sender_misconfigured") for code in sorted(MISCONFIGURED)),
     *((str(code), "provider_error") for code in RETRY),
     ("30003", "unreachable"), ("99999", "provider_error"), ("0", "provider_error"),
     (None, "provider_error"), ("", "provider_error"), ("x", "provider_error"), ("²", "provider_error")],
)  # fmt: skip
def test_a_late_failure_has_a_reason_of_the_contract(code: str | None, reason: str) -> None:
    assert failure_reason(code) == reason
