"""Own texts over HTTP: in force, saved, given up, versions, races, faults, previews, and the AWS calls of each."""

import json
from typing import Any

import pytest

from tests.integration.account import Aws, Response, activate, call, new_organization

pytestmark = pytest.mark.usefixtures("organization")
BOOKED = "/v1/templates/appointment.booked.widget/client/email/nl"
OWN = "/v1/templates/own.welcome/client/sms/nl"
READ, WRITE = "BatchGetItem", "TransactWriteItems"


@pytest.fixture
def organization(aws: Aws) -> None:
    new_organization()
    activate()
    aws.calls.clear()


def put(path: str, body: Any, version: str | None = "*", **more: Any) -> Response:
    return call("PUT", path, body, headers={"if-match": version} if version else {}, **more)


def get(path: str, **more: Any) -> Response:
    return call("GET", path, **more)


def test_a_built_in_text_is_in_force_until_an_own_one_is_saved(aws: Aws) -> None:
    shown = get(BOOKED)
    assert (shown.status, shown.headers["ETag"], shown.body["origin"]) == (200, '"0"', "builtin")
    assert "{{ client.first_name }}" in shown.body["body"]
    saved = put(BOOKED, {"body": "Dag {{ client.first_name }}!"}, '"0"')
    assert (saved.status, saved.headers["ETag"], saved.body["origin"]) == (200, '"1"', "own")
    assert saved.body["subject"] == shown.body["subject"], "a part left out keeps its value"
    assert get(BOOKED).body == saved.body
    assert get(BOOKED.replace("/nl", "/en")).body["origin"] == "builtin"


def test_what_get_answers_can_be_put_back_as_it_is() -> None:
    shown = get(BOOKED)
    saved = put(BOOKED, shown.body, shown.headers["ETag"])
    assert saved.status == 200
    assert put(BOOKED, saved.body, saved.headers["ETag"]).body["version"] == 2
