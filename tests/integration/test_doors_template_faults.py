"""What a template may not be, over HTTP: every fault at once, with its line and column, and nothing saved in part."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.account import Aws, Response, activate, call, new_organization

BOOKED = "/v1/templates/appointment.booked.widget/client/email/nl"
SMS = BOOKED.replace("/email/", "/sms/")
WHATSAPP = BOOKED.replace("/email/", "/whatsapp/")
CONTENT = {"content_sid": "HX" + "a" * 32, "variables": {"1": "client.first_name"}}
WHERE = {"key": "appointment.booked.widget", "audience": "client", "channel": "email", "locale": "nl"}


@pytest.fixture(autouse=True)
def organization(aws: Aws) -> None:
    new_organization()
    activate()
    aws.calls.clear()


def put(path: str, body: Any) -> Response:
    return call("PUT", path, body, headers={"if-match": "*"})


def places(answer: Response) -> list[tuple[str, int | None, int | None]]:
    return [(each["pointer"], each.get("line"), each.get("column")) for each in answer.body["errors"]]


def test_every_mistake_is_named_with_its_line_and_column(aws: Aws) -> None:
    wrong = {
        "subject": "{{ client.nme }}",
        "body": "Dag\n{{ nobody }}\n{{ client.first_name|safe }}",
        "html": "<p>{% set x = 1 %}</p><script>",
    }
    refused = put(BOOKED, wrong)
    assert (refused.status, refused.code) == (422, "template_invalid")
    assert places(refused) == [
        ("/subject", 1, 4),
        ("/body", 2, 4),
        ("/body", 3, 22),
        ("/html", 1, 7),
        ("/html", 1, 19),
    ]
    assert "unknown variable client.nme" in refused.body["errors"][0]["message"]
    assert not aws.items("aurora#TPL")
    previewed = call("POST", "/v1/templates/preview", WHERE | wrong)
    assert (previewed.status, places(previewed)) == (422, places(refused)), "a preview refuses the same"


def test_faults_of_the_form_and_of_the_template_are_named_together() -> None:
    refused = put(BOOKED, {"body": "{{ nobody }}", "subject": 7, "colour": "red"})
    assert refused.faults == {"/subject": "invalid_value", "/colour": "unknown_field", "/body": "template_invalid"}


@pytest.mark.parametrize(
    ("path", "change", "pointer", "code"),
    [
        (BOOKED, {"body": ""}, "/body", "template_invalid"),
        (BOOKED, {"body": " \n "}, "/body", "template_invalid"),
        (BOOKED, {"body": None}, "/body", "invalid_value"),
        (BOOKED, {"body": "x" * 20_001}, "/body", "template_invalid"),
        (BOOKED, {"subject": "x" * 201}, "/subject", "template_invalid"),
        (BOOKED, {"html": "x" * 100_001}, "/html", "template_invalid"),
        (BOOKED, {"subject": "one\ntwo"}, "/subject", "template_invalid"),
        (BOOKED, {"body": "a\x00b"}, "/body", "template_invalid"),
        (BOOKED, {"body": "a\u202eb"}, "/body", "template_invalid"),
        (BOOKED, {"subject": "a\x1bb"}, "/subject", "template_invalid"),
        (SMS, {"subject": "Hi"}, "/subject", "invalid_value"),
        (SMS, {"html": "<p>Hi</p>"}, "/html", "invalid_value"),
        (BOOKED, {"whatsapp": CONTENT}, "/whatsapp", "invalid_value"),
        (WHATSAPP, {"whatsapp": CONTENT | {"content_sid": "HX1"}}, "/whatsapp/content_sid", "invalid_value"),
        (WHATSAPP, {"whatsapp": CONTENT | {"variables": {"1": "client.pin"}}}, "/whatsapp", "template_invalid"),
        (WHATSAPP, {"whatsapp": CONTENT | {"variables": {"0": "client.last_name"}}}, "/whatsapp", "template_invalid"),
        (WHATSAPP, {"whatsapp": {"variables": {}}}, "/whatsapp/content_sid", "missing_field"),
        (BOOKED, {"key": "appointment.booked.console"}, "/key", "read_only"),
        (BOOKED, {"origin": "own"}, "/origin", "read_only"),
        (BOOKED, {"version": 7}, "/version", "read_only"),
    ],
)
def test_a_rule_that_is_broken_has_its_fault(path: str, change: dict[str, Any], pointer: str, code: str) -> None:
    refused = put(path, change)
    assert (refused.status, refused.faults) == (422, {pointer: code})
    assert call("GET", path).body["origin"] == "builtin"


def test_the_largest_texts_are_stored_and_come_back_whole() -> None:
    """Four bytes a character, in two saves, because a body has at most 256 KB: still within an item's 400 KB."""
    first, then = {"subject": "ü" * 200, "body": "😀" * 20_000}, {"html": "😀" * 65_000}
    for part in (first, then):
        assert put(BOOKED, json.dumps(part, ensure_ascii=False)).status == 200
    shown = call("GET", BOOKED).body
    assert {name: shown[name] for name in (*first, *then)} == first | then


WORDS = "{{ }} {% %} {# #} for if x in range(9**9) recap.items client . | ' end endfor __class__ loop set 9**9**9 * [ ]"
PIECES = st.sampled_from([*WORDS.split(), " ", "\n", "\x00", "\ud800"])
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4)
HOSTILE = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@HOSTILE
@given(body=st.lists(PIECES, max_size=30).map("".join))
def test_hostile_templates_are_refused_or_harmless(aws: Aws, body: str) -> None:
    saved = put(BOOKED, {"body": body, "html": body, "subject": body})
    assert saved.status in (200, 400, 422), saved.body
    previewed = call("POST", "/v1/templates/preview", WHERE | {"body": body, "html": body, "subject": body})
    assert previewed.status == (200 if saved.status == 200 else saved.status) or previewed.code == "template_invalid"
    assert aws.items("aurora#ORG")


@HOSTILE
@given(body=st.dictionaries(st.sampled_from(["body", "subject", "html", "whatsapp", "key", "version", "x"]), JSON))
def test_a_document_of_any_shape_is_saved_or_refused(aws: Aws, body: dict[str, Any]) -> None:
    assert put(BOOKED, body).status in (200, 400, 422)
    assert aws.items("aurora#ORG")
