"""What the adapters ask of AWS for whatever the domain allows, held against botocore's models and AWS's written rules.

The calls are answered before the network; the requests of DynamoDB's adapters are watched by the tests on moto.
"""

import functools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from carillon.adapters.providers.eum_sms import EumSms
from carillon.adapters.providers.ses import SesEmail
from carillon.adapters.providers.sns_endpoints import SnsEndpoints
from carillon.adapters.providers.sns_push import SnsPush
from carillon.adapters.providers.sns_sms import SnsSms
from carillon.adapters.queues import SqsQueues
from carillon.adapters.schedules import EventBridgeSchedules
from carillon.adapters.secrets import DeploymentSecret
from carillon.adapters.tokens import SignedLinks, SignedTokens
from carillon.adapters.vault import KmsVault
from carillon.domain.constraints import ID_PATTERN
from carillon.domain.ids import digest
from carillon.domain.messages import MessageKey
from carillon.domain.organizations import data_set
from carillon.domain.reach import Device, Platform
from carillon.ports.delivery import Attachment, Outgoing, Rendered
from carillon.ports.queues import Due, Ready
from tests.aws_rules import Watch
from tests.builders import NOW
from tests.doubles import SetClock

QUEUE = "https://sqs.eu-central-1.amazonaws.com/000000000000/queue"
ARN = "arn:aws:sqs:eu-central-1:000000000000:queue"
ROLE = "arn:aws:iam::000000000000:role/scheduler"
ENDPOINT = "arn:aws:sns:eu-central-1:000000000000:endpoint/GCM/app/1"
PLATFORMS: tuple[tuple[Platform, str], ...] = (("fcm", "GCM"), ("apns", "APNS"), ("apns", "APNS_SANDBOX"))
ANSWERS: dict[str, dict[str, Any]] = {
    "CreatePlatformEndpoint": {"EndpointArn": ENDPOINT},
    "GetEndpointAttributes": {"Attributes": {"Enabled": "false"}},
    "Encrypt": {"CiphertextBlob": b"sealed"},
    "GetSecretValue": {"SecretString": '{"signing_key": "k"}'},
    "SendMessageBatch": {"Failed": []},
}
FEW = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LONGEST = "x" * 64
ids = st.from_regex(ID_PATTERN, fullmatch=True) | st.just(LONGEST) | st.just(":" * 64)
organizations = st.from_regex(r"[A-Za-z0-9-]{1,64}", fullmatch=True).map(lambda org: data_set(org, "test"))
lines = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=200)
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=1600)
addresses = st.from_regex(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9]{1,20}\.){1,4}[a-z]{2,6}", fullmatch=True)
instants = st.datetimes(datetime(2026, 12, 1), datetime(2036, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch(lambda: NOW, {ROLE})


@pytest.fixture(scope="module")
def clients(watch: Watch) -> Any:
    """Give clients by service that check what they are to send, and get an answer from here."""
    session = botocore.session.get_session()
    events: Any = session.get_component("event_emitter")
    events.register("before-parameter-build", watch)
    events.register("before-call", answer)
    return functools.cache(
        lambda service: session.create_client(service, "eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    )


def answer(model: Any, **_: object) -> tuple[SimpleNamespace, dict[str, Any]]:
    """Answer a call in the network's place."""
    return SimpleNamespace(status_code=200), ANSWERS.get(model.name, {"MessageId": "m-1"})


@pytest.fixture(autouse=True)
def nothing_refused(watch: Watch) -> Iterator[None]:
    """Ask of each test that it sent something, and that AWS refused nothing, whatever the adapter made of a refusal."""
    watch.refused.clear()
    watch.seen.clear()
    yield
    assert watch.seen
    assert not watch.refused


def outgoing(to: str, text: str, **changes: Any) -> Outgoing:
    basis: dict[str, Any] = {
        "org_id": "aurora",
        "message_id": "01M",
        "to": to,
        "rendered": Rendered(text),
        "token": SignedTokens(lambda: "key").issue(LONGEST + "~test", MessageKey(f"c:{LONGEST}", digest("d"))),
        "valid_seconds": 3600,
        "sender_name": "Salon Aurora",
    }
    return Outgoing(**(basis | changes))


@FEW
@given(name=lines, subject=lines, text=texts, html=texts | st.none(), to=addresses, reply_to=addresses | st.none())
@example("Zażółć gęślą jaźń " * 11, "Grüße", "x", None, "anna@example.com", None)
@example("🎂" * 100, "", "\r\n", "<p>\x00</p>", "a" * 64 + "@" + "b" * 60 + ".example", "=?x?=@example.com")
def test_an_email_is_one_that_ses_takes(
    clients: Any, watch: Watch, name: str, subject: str, text: str, html: str | None, to: str, reply_to: str | None
) -> None:
    ses = SesEmail(clients("sesv2"), from_address="no-reply@carillon.example", configuration_set="main")
    rendered = Rendered(text, subject=subject, html=html)
    sent = ses.send(outgoing(to, text, rendered=rendered, sender_name=name, reply_to=reply_to))
    assert sent.kind == "accepted", watch.refused


@FEW
@given(text=texts, number=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), sender=st.sampled_from(["", "Aurora1"]))
def test_an_sms_is_one_that_sns_takes(clients: Any, watch: Watch, text: str, number: str, sender: str) -> None:
    sent = SnsSms(clients("sns"), sender_id=sender).send(outgoing(number, text))
    assert sent.kind == "accepted", watch.refused


@FEW
@given(text=texts, number=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), seconds=st.integers(60, 10_000_000))
def test_an_sms_is_one_that_end_user_messaging_takes(
    clients: Any, watch: Watch, text: str, number: str, seconds: int
) -> None:
    eum = EumSms(clients("pinpoint-sms-voice-v2"), origination="Aurora1", configuration_set="sms", max_price="0.50")
    sent = eum.send(outgoing(number, text, valid_seconds=seconds))
    assert sent.kind == "accepted", watch.refused


@FEW
@given(text=texts, title=lines, seconds=st.integers(60, 10_000_000))
@example("🎂" * 1600, "ł" * 200, 60)
def test_a_push_message_is_one_that_sns_takes(clients: Any, watch: Watch, text: str, title: str, seconds: int) -> None:
    devices = tuple(
        Device(id=LONGEST, platform=platform, endpoint=ENDPOINT.replace("GCM", kind)) for platform, kind in PLATFORMS
    )
    message = outgoing("", text, rendered=Rendered(text, subject=title), valid_seconds=seconds, devices=devices)
    assert SnsPush(clients("sns")).send(message).kind == "accepted", watch.refused


@FEW
@given(org_id=organizations, token=st.from_regex(r"[A-Za-z0-9:_-]{1,2048}", fullmatch=True))
def test_a_device_is_registered_as_sns_takes_it(clients: Any, org_id: str, token: str) -> None:
    application = "arn:aws:sns:eu-central-1:000000000000:app/GCM/app"
    assert SnsEndpoints(lambda: clients("sns")).register(org_id, application, token) == ENDPOINT


@FEW
@given(org_id=organizations, secret=st.text(st.characters(codec="utf-8"), max_size=2000))
def test_a_secret_is_sealed_as_kms_takes_it(clients: Any, org_id: str, secret: str) -> None:
    vault = KmsVault(lambda: clients("kms"), "arn:aws:kms:eu-central-1:000000000000:key/1")
    assert vault.seal(org_id, {"auth_token": secret})


def test_an_invitation_with_a_way_out_is_one_that_ses_takes(clients: Any, watch: Watch) -> None:
    ses = SesEmail(clients("sesv2"), from_address="no-reply@carillon.example", configuration_set="main")
    file = Attachment("invite.ics", "text/calendar; method=REQUEST; charset=UTF-8", b"BEGIN:VCALENDAR\r\n" * 500)
    way_out = SignedLinks(lambda: "key", "https://api.carillon.example").unsubscribe(LONGEST + "~test", LONGEST)
    sent = ses.send(
        outgoing("anna@example.com", "x", attachments=(file,), unsubscribe=way_out, from_address="a@b.example")
    )
    assert sent.kind == "accepted", watch.refused


def due(org_id: str, record: str, at: datetime) -> Due:
    return Due(org_id, record, LONGEST, "before-PT24H", at + timedelta(hours=3), at, 2)


@FEW
@given(org_id=organizations, record=ids, at=instants)
@example(LONGEST + "~test", f"appointments:{LONGEST}", datetime(2027, 1, 1, 9, 0, 0, 1, tzinfo=UTC))
def test_a_reminder_is_scheduled_as_the_scheduler_takes_it(
    clients: Any, watch: Watch, org_id: str, record: str, at: datetime
) -> None:
    schedules = EventBridgeSchedules(
        clients("scheduler"), group="reminders", queue_arn=ARN, role_arn=ROLE, dead_letter_arn=ARN
    )
    schedules.create(due(org_id, record, at))
    schedules.delete(due(org_id, record, at))
    assert watch.refused == []


@FEW
@given(org_id=organizations, record=ids, delay=st.integers(0, 100_000), count=st.integers(1, 25))
def test_what_is_queued_is_what_sqs_takes(
    clients: Any, watch: Watch, org_id: str, record: str, delay: int, count: int
) -> None:
    queues = SqsQueues(clients("sqs"), channels={"email": QUEUE, "sms": QUEUE}, due=QUEUE, jobs=QUEUE)
    key = MessageKey(f"c:{LONGEST}", digest("d"))
    queues.send_ready([Ready(org_id, "email", key, record, LONGEST, (LONGEST,) * 20, delay)] * count)
    queues.send_due([due(org_id, record, NOW)] * count)
    queues.send_job({"kind": "replan", "o": "@"}, delay=900)
    queues.send_jobs([{"kind": "sweep", "o": org_id}] * count)
    assert watch.refused == []


def test_the_secret_is_asked_for_by_its_name(clients: Any) -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:deployment-abcdef"
    assert DeploymentSecret(clients("secretsmanager"), arn, SetClock(NOW)).signing_key() == "k"
