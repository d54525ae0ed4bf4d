"""Previews over HTTP: a stored or a drafted text with sample data or a real appointment, as it would be read."""

from typing import Any

import pytest

from tests.integration.account import Aws, Response, activate, call, new_organization

BOOKED = "/v1/templates/appointment.booked.widget/client/email/nl"
READ = "BatchGetItem"
VISIT = {
    "client_id": "c1",
    "staff_ids": ["s1"],
    "start": "2026-12-01T14:30:00",
    "duration_minutes": 45,
    "status": "booked",
    "service": "Kleuren",
}


@pytest.fixture(autouse=True)
def organization(aws: Aws) -> None:
    new_organization()
    activate()
    aws.calls.clear()


def preview(channel: str = "email", key: str = "appointment.booked.widget", **more: Any) -> Response:
    body = {"key": key, "audience": "client", "channel": channel, "locale": "nl"} | more
    return call("POST", "/v1/templates/preview", body)


def put(path: str, body: Any) -> Response:
    return call("PUT", path, body, headers={"if-match": "*"})


def test_a_built_in_text_is_shown_with_sample_data_of_the_language() -> None:
    shown = preview().body
    assert "Sanne" in shown["text"]
    assert "Salon Aurora" in shown["html"]
    assert shown["subject"]
    assert shown["sms"] is None
    assert "Godzina: 14:30" in preview(locale="pl").body["text"]
    assert preview(sample=True).body == shown


def test_the_stored_text_is_shown_and_a_draft_in_its_place_is_not_stored() -> None:
    put(BOOKED, {"subject": "Onderwerp", "body": "Bewaard {{ appointment.time }}"})
    assert preview().body["text"].startswith("Bewaard 14:30\n")
    drafted = preview(body="Concept").body
    assert drafted["text"].startswith("Concept\n")
    assert drafted["subject"] == "Onderwerp", "a part left out is the one in force"
    assert preview(html="<b>{{ client.first_name }}</b>").body["html"] == "<b>Sanne</b>"
    assert call("GET", BOOKED).body["body"].startswith("Bewaard")


def test_an_sms_is_counted_as_it_goes_out() -> None:
    assert preview("sms", body="x" * 160).body["sms"] == {"encoding": "GSM-7", "parts": 1, "characters": 160}
    assert preview("sms", body="x" * 161).body["sms"]["parts"] == 2
    assert preview("sms", body="€" * 81).body["sms"] == {"encoding": "GSM-7", "parts": 2, "characters": 81}
    assert preview("sms", body="ж" * 71).body["sms"] == {"encoding": "UCS-2", "parts": 2, "characters": 71}
    folded = preview("sms", body="Tot dan \u2013 {{ client.first_name }}", locale="pl").body
    assert (folded["text"], folded["sms"]["encoding"]) == ("Tot dan - Malgorzata", "GSM-7")


def test_a_real_appointment_fills_the_text(aws: Aws) -> None:
    call("PUT", "/v1/clients/c1", {"first_name": "Anna"}, headers={})
    call("POST", "/v1/staff", {"id": "s1", "name": "Sofie"})
    assert call("PUT", "/v1/appointments/42", VISIT).status == 201
    body = "{{ client.first_name }}: {{ appointment.service }}, {{ appointment.time }}, {{ staff_names }}"
    aws.calls.clear()
    assert preview(body=body, record="appointments/42").body["text"] == "Anna: Kleuren, 14:30, Sofie"
    # The texts; the appointment; the people whom it names.
    assert aws.calls == [READ, READ, READ]


def test_a_preview_with_sample_data_is_one_call(aws: Aws) -> None:
    aws.calls.clear()
    assert preview().status == 200
    assert aws.calls == [READ]


def test_an_own_key_is_shown_once_it_has_a_text() -> None:
    missing = preview("sms", "own.welcome")
    assert (missing.status, missing.faults) == (422, {"/body": "missing_field"})
    assert preview("sms", "own.welcome", body="Welkom {{ client.first_name }}").body["text"] == "Welkom Sanne"
    call("PUT", "/v1/templates/own.welcome/client/sms/nl", {"body": "Hoi"})
    assert preview("sms", "own.welcome").body["text"] == "Hoi"


def test_values_that_people_typed_add_no_markup() -> None:
    call("PUT", "/v1/clients/c1", {"first_name": "<b>Anna</b>"})
    call("PUT", "/v1/appointments/42", VISIT | {"staff_ids": [], "service": "<i>Knippen</i>"})
    shown = preview(
        subject="{{ appointment.service }}",
        body="{{ client.first_name }}",
        html="<p title='{{ client.first_name }}'>{{ appointment.service|upper }}</p>",
        record="appointments/42",
    ).body
    assert shown["html"] == "<p title='&lt;b&gt;Anna&lt;/b&gt;'>&lt;I&gt;KNIPPEN&lt;/I&gt;</p>"
    built_in = preview(record="appointments/42").body["html"]
    assert "<b>Anna" not in built_in
    assert "<i>Knippen" not in built_in


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"key": "appointment.booked"}, {"/key": "unknown_reference"}),
        ({"key": "task.created"}, {"/audience": "unknown_reference"}),
        ({"audience": "nobody"}, {"/audience": "invalid_value"}),
        ({"channel": "fax", "locale": "dutch"}, {"/channel": "invalid_value", "/locale": "invalid_value"}),
        ({"record": "appointments/unknown"}, {"/record": "unknown_reference"}),
        ({"record": "clients/1"}, {"/record": "invalid_value"}),
        ({"record": "appointments/1", "sample": True}, {"/sample": "invalid_value"}),
        ({"colour": "red"}, {"/colour": "unknown_field"}),
        ({"body": "{{ nobody }}"}, {"/body": "template_invalid"}),
        ({"body": "{% if client.last_name == 'x' %}y{% endif %}"}, {"/body": "template_invalid"}),
    ],
)
def test_what_cannot_be_shown_is_refused(change: dict[str, Any], faults: dict[str, str]) -> None:
    refused = preview(**change)
    assert (refused.status, refused.faults) == (422, faults)


@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp", "push", "telegram", "viber"])
@pytest.mark.parametrize("key", ["review", "recap", "reminder.hour_before", "reminder.mine", "order.created"])
def test_every_kind_of_text_can_be_shown(key: str, channel: str) -> None:
    audience = "manager" if key == "recap" else "client"
    shown = preview(channel, key, audience=audience)
    assert shown.status == 200, shown.body
    assert shown.body["text"]
    assert (shown.body["subject"] is not None) == (channel in ("email", "push"))


@pytest.mark.parametrize("locale", ["de", "pt-BR", "zh-Hant-TW", "xx", "nl-BE"])
def test_every_locale_gets_a_text(locale: str) -> None:
    assert preview(locale=locale).body["text"]
