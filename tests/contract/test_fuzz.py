"""Input made from the API's own description: no call crashes, and no answer is one that isn't described."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from tests.integration import account
from tests.integration.conftest import account_of_file, aws, processed_template  # noqa: F401 - fixtures
from tools import openapi

PERSON = {"id": "c1", "first_name": "Anna", "phone": "0612345678", "email": "anna@example.com"}
DOCUMENT = json.loads(openapi.TARGET.read_text("utf-8"))
PAGES = "/openapi.json", "/docs", "/billing/done"
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Stand in for API Gateway: a WSGI request becomes an event, as the role that the path is for."""
    path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/~:@!$&'()*+,;=-._")
    headers = {k[5:].replace("_", "-").lower(): v for k, v in environ.items() if k.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    made = account.event(
        environ["REQUEST_METHOD"],
        path,
        caller=account.caller("operator" if path.startswith("/v1/organizations") else "org_admin"),
        headers=headers,
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
    )
    if "content-type" not in headers:
        del made["headers"]["content-type"]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if body:
        made |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    answer = account.door_of(path).handler(made, None)
    start_response(f"{answer['statusCode']} -", list(answer["headers"].items()))
    return [(answer.get("body") or "").encode()]


@pytest.fixture
def furnished(aws: account.Aws) -> account.Aws:  # noqa: F811 - the fixture
    account.new_organization()
    account.activate()
    account.call("POST", "/v1/clients", PERSON)
    account.call("POST", "/v1/staff", {"id": "s1", "name": "Sofie"})
    return aws


schema = schemathesis.openapi.from_dict(DOCUMENT).exclude(path=list(PAGES))
schema.app = app


@schema.parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@pytest.mark.filterwarnings("default")
def test_every_answer_is_described(case: schemathesis.Case[Any], furnished: account.Aws) -> None:
    case.call_and_validate(checks=CHECKS)
    assert furnished.calls is not None
