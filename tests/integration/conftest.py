"""The account of template.yaml on moto, fresh for each test."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from carillon import bootstrap
from carillon.adapters import aws as aws_clients
from carillon.services.authentication import secret_hash
from local import resources, wiring
from local.template import ACCOUNT_ID, Template, load
from tests.aws_rules import watching
from tests.integration.account import (
    OPERATOR_KEY,
    REGION,
    ROOT,
    Aws,
    SetClock,
    admin_clients,
    forget_services,
    mock_aws,
)
from tests.integration.keeping import Kept, keep, restore
from tests.integration.world import DeathError


@pytest.fixture(scope="session")
def processed_template() -> Mapping[str, Any]:
    return load(ROOT / "template.yaml")


@pytest.fixture(scope="module")
def account_of_file(processed_template: Mapping[str, Any]) -> Iterator[tuple[Template, Kept]]:
    """Make the account once for all tests of a file, and keep what it is like when fresh."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        with mock_aws():
            template = Template(
                processed=processed_template,
                region=REGION,
                stack_name="test",
                parameters={"WhatsAppFrom": "whatsapp:+15550001111", "OperatorKeyHash": secret_hash(OPERATOR_KEY)},
                queue_url=lambda name: f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT_ID}/{name}",
                api_url="https://api.example.com",
            )
            resources.create_all(template, admin_clients())
            yield template, keep()


@pytest.fixture
def aws(account_of_file: tuple[Template, Kept], monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """Make the account fresh and point every function's environment at it."""
    template, kept = account_of_file
    restore(kept)
    environment: dict[str, str] = {}
    for function in wiring.functions(template).values():
        environment |= function.environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    clock = SetClock()
    monkeypatch.setattr(bootstrap, "clock", clock)
    forget_services()
    emitter = aws_clients._session().get_component("event_emitter")
    with watching(emitter, clock.now, {environment["SCHEDULER_ROLE_ARN"]}) as watch:
        account = Aws(template, environment, clock, watch)
        events = aws_clients.client("dynamodb").meta.events
        events.register("before-call.dynamodb", lambda model, **_: account.heard(model.name))
        yield account
        forget_services()


@pytest.fixture
def deaths(aws: Aws) -> Iterator[list[int]]:  # noqa: ARG001 - the account must be there
    """Kill the process right after so many further calls to DynamoDB: `deaths[0]`, 0 for never."""
    left = [0]

    def after(**_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise DeathError("dynamodb")

    aws_clients.client("dynamodb").meta.events.register("after-call.dynamodb", after, unique_id="deaths")
    yield left
    aws_clients.client("dynamodb").meta.events.unregister("after-call.dynamodb", unique_id="deaths")


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a re-planning run look a month ahead, without its pauses: a settings document that is saved starts one."""
    monkeypatch.setattr("carillon.services.replanning.PACE", 0)
    monkeypatch.setattr("carillon.adapters.dynamodb.records.FURTHEST", timedelta(days=30))
