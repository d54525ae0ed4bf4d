"""Our calls of Twilio's Messages API, against Twilio's published OpenAPI description, which Prism serves.

Needs the description (CARILLON_SPECS_DIR) and Prism (`make prism`).
"""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from openapi_schema_validator import OAS30Validator
from requests import PreparedRequest, Response, Session

from carillon.adapters.providers.twilio_whatsapp import LONGEST_VALIDITY, TwilioWhatsapp
from carillon.adapters.secrets import Secrets
from carillon.domain.own_channels import OwnSender
from carillon.ports.delivery import LookUpFailed, Outcome, Outgoing, Rendered
from local.fakes.twilio import Twilio
from tests.builders import ORG

PRISM = Path(__file__).parent / "prism" / "node_modules" / ".bin" / "prism"
ACCOUNT, CONTENT = "AC" + "0a" * 16, "HX" + "1B" * 16
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
LIST = MESSAGES.format(AccountSid=ACCOUNT)
CALLBACK = "https://api.carillon.example"


@pytest.fixture(scope="module")
def description() -> Path:
    folder = os.environ.get("CARILLON_SPECS_DIR")
    if not folder:
        pytest.skip("NOT TESTED: Twilio's OpenAPI description isn't here; CARILLON_SPECS_DIR is to name its folder")
    return Path(folder) / "twilio_messages_v2010.json"


@pytest.fixture(scope="module")
def prism(description: Path) -> Iterator[str]:
    """Serve the description until the tests are done; gives the address."""
    if not PRISM.exists():
        pytest.fail("CARILLON_SPECS_DIR is set, but Prism isn't installed: run `make prism`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(PRISM), "mock", "--host", "127.0.0.1", "--port", str(port), str(description)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if "Prism is listening" in line:
                break
        else:
            pytest.fail("Prism did not start:\n" + "".join(said))
        # Read on, or it would stand still once the pipe is full.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture
def forms(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Keep what goes out."""
    kept: list[dict[str, str]] = []
    send = Session.send

    def keep(session: Session, request: PreparedRequest, **kwargs: Any) -> Response:
        assert isinstance(request.body, str)
        kept.append({name: values[0] for name, values in parse_qs(request.body, keep_blank_values=True).items()})
        return send(session, request, **kwargs)

    monkeypatch.setattr(Session, "send", keep)
    return kept


def sender(prism: str, account: str = ACCOUNT) -> TwilioWhatsapp:
    return TwilioWhatsapp(
        lambda: Secrets("key", account, "token"), sender="whatsapp:+15550001111", api_url=prism, callback_url=CALLBACK
    )


def outgoing(rendered: Rendered, **changes: Any) -> Outgoing:
    basis: dict[str, Any] = {
        "org_id": ORG,
        "message_id": "01M",
        "to": "+31612345678",
        "rendered": rendered,
        "token": "a-B_9" * 40,
        "valid_seconds": 3600,
        "sender_name": "Salon Aurora",
    }
    return Outgoing(**(basis | changes))


VARIABLES = {"1": "Zażółć", "2": "14:30 uur", "3": '"&=+%'}
OWN = OwnSender(
    "Salon Aurora", {"account_sid": "AC" + "2c" * 16, "sender": "+31201234567"}, {"auth_token": "own-token"}
)
RIGHT = {
    "a template with variables": outgoing(Rendered("Tot morgen", content_sid=CONTENT, variables=VARIABLES)),
    "a template without variables": outgoing(Rendered("Tot morgen", content_sid=CONTENT)),
    "free text": outgoing(Rendered("Tot morgen & veel plezier: 100% €\nłąka 🎂")),
    "a long validity": outgoing(Rendered("Tot morgen"), valid_seconds=10_000_000),
    "a short validity": outgoing(Rendered("Tot morgen"), valid_seconds=60),
    "from an own number": outgoing(Rendered("Tot morgen", content_sid=CONTENT), own=OWN),
}


@pytest.mark.parametrize("case", RIGHT)
def test_twilio_takes_what_we_send(prism: str, description: Path, forms: list[dict[str, str]], case: str) -> None:
    sent = sender(prism).send(RIGHT[case])
    assert sent.kind == "accepted", sent
    assert sent.provider_id is not None
    assert sent.provider_id.startswith("SM")
    (form,) = forms
    rendered = RIGHT[case].rendered
    # The description allows unknown fields, and Twilio ignores them: a misspelt one must not pass.
    assert set(form) <= set(fields(description))
    assert form["StatusCallback"] == f"{CALLBACK}/callbacks/twilio/status?m={'a-B_9' * 40}#rc=5&rp=all"
    assert 1 <= int(form["ValidityPeriod"]) <= LONGEST_VALIDITY
    assert ("Body" in form) is (rendered.content_sid is None)
    assert json.loads(form.get("ContentVariables", "{}")) == rendered.variables
    assert form["From"] == ("whatsapp:+31201234567" if RIGHT[case].own else "whatsapp:+15550001111")


def fields(description: Path) -> dict[str, Any]:
    """Give the form fields that the description knows of a message."""
    document: dict[str, Any] = json.loads(description.read_text("utf-8"))
    body = document["paths"][MESSAGES]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    known: dict[str, Any] = body["schema"]["properties"]
    return known


@pytest.mark.parametrize(
    ("account", "rendered"),
    [
        (ACCOUNT, Rendered("x", content_sid="HX1")),
        (ACCOUNT, Rendered("x", content_sid=ACCOUNT)),
        ("AC1", Rendered("x")),
    ],
    ids=["a ContentSid that is too short", "a ContentSid of another kind", "no AccountSid"],
)
def test_a_bad_id_is_refused_and_read_as_a_refusal(prism: str, account: str, rendered: Rendered) -> None:
    found = sender(prism, account).send(outgoing(rendered))
    assert found == Outcome("permanent", reason="provider_error", code="422")


def test_a_look_up_is_one_that_twilio_answers(prism: str) -> None:
    """The description's example is no message of ours, so none is found; what is refused is no answer."""
    begin = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    for own in (None, OWN):
        asked = outgoing(Rendered("Tot morgen"), own=own)
        assert sender(prism).find(asked, begin, begin + timedelta(minutes=1)) is None
    with pytest.raises(LookUpFailed):
        sender(prism, "AC1").find(outgoing(Rendered("Tot morgen")), begin, begin + timedelta(minutes=1))


FORM = {"To": "whatsapp:+31612345678", "From": "whatsapp:+15550001111", "Body": "x"}


@pytest.mark.parametrize(
    "changes",
    [{"To": None}, {"StatusCallback": "not an address"}, {"ValidityPeriod": "soon"}, {"MessagingServiceSid": "MG1"},
     {"SendAt": "tomorrow"}, {"ContentSid": "HX" + "g" * 32}],
    ids=str,
)  # fmt: skip
def test_prism_finds_what_is_wrong_with_a_message(prism: str, changes: dict[str, str | None]) -> None:
    right = httpx.post(prism + LIST, data=FORM, auth=(ACCOUNT, "token"))
    assert right.status_code == 201
    wrong = {name: value for name, value in {**FORM, **changes}.items() if value is not None}
    assert httpx.post(prism + LIST, data=wrong, auth=(ACCOUNT, "token")).status_code == 422


def test_the_local_clouds_answer_is_one_of_twilios(description: Path) -> None:
    document = json.loads(description.read_text("utf-8"))
    message = document["components"]["schemas"]["api.v2010.account.message"]
    validator = OAS30Validator({**message, "components": document["components"]})
    fake: Any = SimpleNamespace(_clock=SimpleNamespace(time=lambda: 1_795_000_000.0))
    answer = Twilio._resource(fake, ACCOUNT, FORM["To"], FORM["From"], "Tot morgen")
    assert list(validator.iter_errors(answer)) == []
    assert set(answer) == set(message["properties"])
    assert list(validator.iter_errors(answer | {"sid": "SM1"})) != []
    assert list(validator.iter_errors(answer | {"status": "on its way"})) != []


def test_prism_finds_a_bad_date_and_a_missing_account(prism: str) -> None:
    right = {"To": "whatsapp:+31612345678", "DateSent": "2026-11-22T00:00:00Z", "PageSize": "20"}
    assert httpx.get(prism + LIST, params=right, auth=(ACCOUNT, "token")).status_code == 200
    assert httpx.get(prism + LIST, params=right | {"DateSent": "soon"}, auth=(ACCOUNT, "token")).status_code == 422
    assert httpx.get(prism + LIST, params=right | {"PageSize": "5000"}, auth=(ACCOUNT, "token")).status_code == 422
    assert httpx.get(prism + LIST, params=right).status_code == 401
