"""The whole account of template.yaml on moto, in this process, and API calls as API Gateway makes them."""

from __future__ import annotations

import functools
import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

os.environ["MOTO_ACCOUNT_ID"] = "000000000000"  # moto reads it when imported; it is the account of local/template.py

import boto3
from moto import mock_aws

from carillon.adapters import aws as aws_clients
from carillon.runtime.http import Door, Route
from local import resources
from local.template import ACCOUNT_ID, Template
from tests.aws_rules import Watch

REGION = "eu-central-1"
ROOT = Path(__file__).parents[2]
OPERATOR_KEY = "crl_live_@.op.secret"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DOORS = sorted(path.parent.name for path in (ROOT / "functions").glob("*_api/app.py"))

__all__ = ["mock_aws"]


@dataclass
class SetClock:
    """A clock that stands still until it is moved."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


@dataclass(frozen=True)
class Response:
    """An answer of a door."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str | None:
        return self.body.get("code") if isinstance(self.body, dict) else None

    @property
    def faults(self) -> dict[str, str]:
        return {fault["pointer"]: fault["code"] for fault in self.body.get("errors", [])}


@dataclass
class Aws:
    """The account: its template, its environment, and the names of all calls made to DynamoDB.

    `watch` holds every request of our clients against what AWS refuses and moto takes.
    """

    template: Template
    environment: Mapping[str, str]
    clock: SetClock
    watch: Watch
    calls: list[str] = field(default_factory=list)
    meanwhile: tuple[str, Callable[[], object]] | None = None

    @property
    def table(self) -> Any:
        return boto3.resource("dynamodb", region_name=REGION).Table(self.environment["TABLE_NAME"])

    def heard(self, operation: str) -> None:
        """Count a call, and let happen what was to happen just before it."""
        self.calls.append(operation)
        if self.meanwhile is not None and self.meanwhile[0] == operation:
            action, self.meanwhile = self.meanwhile[1], None
            action()

    def just_before(self, operation: str, action: Callable[[], object]) -> None:
        """Let another caller come in between: `action` runs once, right before the next such call."""
        self.meanwhile = (operation, action)

    def items(self, prefix: str = "") -> list[dict[str, Any]]:
        return [item for item in self.table.scan()["Items"] if item["pk"].startswith(prefix)]


def doors() -> dict[str, Door]:
    """Every HTTP function's door, by the name of its folder."""
    return {name: importlib.import_module(f"functions.{name}.app").door for name in DOORS}


def routes() -> list[Route]:
    """Every declared route."""
    return [route for door in doors().values() for route in door.routes]


def door_of(path: str) -> Door:
    for door in doors().values():
        if any(re.fullmatch(re.sub(r"<\w+>", "[^/]+", route.path), path) for route in door.routes):
            return door
    return next(iter(doors().values()))


def event(
    method: str,
    path: str,
    body: Any = None,
    *,
    caller: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make an event as API Gateway's HTTP API does (payload format 2.0)."""
    context: dict[str, Any] = {
        "accountId": ACCOUNT_ID,
        "apiId": "api",
        "domainName": "api.example.com",
        "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
        "requestId": "request-1",
        "routeKey": "ANY /v1/{proxy+}",
        "stage": "$default",
        "time": "23/Nov/2026:09:00:00 +0000",
        "timeEpoch": 1795424400000,
    }
    if caller is not None:
        context["authorizer"] = {"lambda": dict(caller)}
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "ANY /v1/{proxy+}",
        "rawPath": path,
        "rawQueryString": "&".join(f"{name}={value}" for name, value in (query or {}).items()),
        "headers": {"content-type": "application/json", **(headers or {})},
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if query:
        made["queryStringParameters"] = dict(query)
    if body is not None:
        made["body"] = body if isinstance(body, str) else json.dumps(body)
    return json.loads(json.dumps(made))  # type: ignore[no-any-return]


def caller(role: str = "org_admin", org: str = "aurora", mode: str = "live") -> dict[str, str]:
    """What the authorizer says of a caller."""
    org_id = "@" if role == "operator" else org + ("~test" if mode == "test" else "")
    return {"org_id": org_id, "role": role, "key_id": "key-1", "mode": mode}


def call(
    method: str,
    path: str,
    body: Any = None,
    *,
    role: str = "org_admin",
    org: str = "aurora",
    mode: str = "live",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> Response:
    """Call the door that a path belongs to, as this role of this organization."""
    made = event(method, path, body, caller=caller(role, org, mode), headers=headers, query=query)
    answer = json.loads(json.dumps(door_of(path).handler(made, None)))
    text = answer.get("body") or ""
    kind = answer["headers"].get("Content-Type", "")
    return Response(answer["statusCode"], json.loads(text) if "json" in kind and text else text, answer["headers"])


def new_organization(org_id: str = "aurora", **fields: Any) -> Response:
    """Have the operator make an organization."""
    document = {"id": org_id, "name": "Salon Aurora", "time_zone": "Europe/Amsterdam", "locale": "nl", "country": "NL"}
    return call("POST", "/v1/organizations", document | fields, role="operator")


def activate(org_id: str = "aurora", mode: str = "live") -> None:
    """Switch an organization's notifications on."""
    assert call("POST", "/v1/integrations/notifications/activate", org=org_id, mode=mode).status == 200


@functools.cache
def admin_clients() -> resources.Clients:
    """Make the clients that set the account up; making them takes longer than using them."""
    return resources.Clients(
        boto3.client("dynamodb", region_name=REGION),
        boto3.client("sqs", region_name=REGION),
        boto3.client("sns", region_name=REGION),
        boto3.client("secretsmanager", region_name=REGION),
        boto3.client("kms", region_name=REGION),
        boto3.client("s3", region_name=REGION),
    )


def forget_services() -> None:
    """Drop cached services and clients, as a new process would have none."""
    aws_clients.client.cache_clear()
    aws_clients.sending_client.cache_clear()
    for name, module in list(sys.modules.items()):
        if name.startswith("carillon.bootstrap"):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
