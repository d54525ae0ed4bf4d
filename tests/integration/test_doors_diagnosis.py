"""The diagnosis of a client over HTTP: every check with its fix, in agreement with what is decided when it sends."""

from datetime import timedelta
from typing import Any

import pytest

from carillon.domain.decide import obstacle
from carillon.domain.recipients import client_recipient
from carillon.ports.reading import Want
from tests.integration.account import Aws, activate, call, new_organization

pytestmark = pytest.mark.usefixtures("organization")
ANNA = {"id": "anna", "first_name": "Anna", "phone": "+31612345678", "consents": {"service": {"sms": True}}}
Place = tuple[str, str | None, str | None]


@pytest.fixture
def organization(aws: Aws) -> None:
    new_organization()
    activate()
    assert call("POST", "/v1/clients", ANNA).status == 201
    aws.calls.clear()


def diagnosis(client_id: str = "anna") -> tuple[dict[str, Any], dict[Place, dict[str, Any]]]:
    answer = call("GET", f"/v1/clients/{client_id}/diagnosis")
    assert answer.status == 200, answer.body
    return answer.body, {(each["check"], each["channel"], each["purpose"]): each for each in answer.body["checks"]}


def failing(client_id: str = "anna") -> dict[Place, str]:
    """What is wrong, apart from channels that nobody set up."""
    _, checks = diagnosis(client_id)
    return {at: each["code"] for at, each in checks.items() if not each["ok"] and at[1] not in ("telegram", "viber")}


def book(start: str = "2026-12-01T14:30:00") -> None:
    body = {"client_id": "anna", "start": start, "duration_minutes": 30, "status": "booked"}
    assert call("PUT", "/v1/appointments/a1", body).status == 201


def test_a_client_that_hears_by_sms_has_everything_there(aws: Aws) -> None:
    book()
    aws.calls.clear()
    body, checks = diagnosis()
    assert aws.calls == ["BatchGetItem", "Query", "Query", "Query", "BatchGetItem"]
    assert body["reachable"] is True
    assert all(checks[name, "sms", None]["ok"] for name in ("connection", "consent", "opt_out", "address"))
    assert checks["upcoming_reminders", None, None]["detail"] == (
        "day_before of appointments/a1 is planned for 2026-11-30T17:00:00Z, by sms"
    )
    assert failing() == {
        ("consent", "email", None): "consent_missing",
        ("address", "email", None): "no_address",
        ("consent", "whatsapp", None): "consent_missing",
        ("template", "whatsapp", None): "whatsapp_template_missing",
    }


def test_every_failing_check_names_its_fix_and_a_good_one_has_no_code() -> None:
    call("PUT", "/v1/clients/anna/consents", {"service": {"sms": False}})
    body, _ = diagnosis()
    assert body["reachable"] is False
    for each in body["checks"]:
        assert each["detail"]
        assert (each["code"] is None, each["fix"] is None) == (each["ok"], each["ok"]), each


def test_while_inactive_it_is_open_and_says_so() -> None:
    call("POST", "/v1/integrations/notifications/deactivate")
    body, checks = diagnosis()
    assert body["reachable"] is False
    assert checks["activation", None, None]["code"] == "notifications_inactive"
    assert "notifications/activate" in checks["activation", None, None]["fix"]


def test_who_is_not_enrolled_or_has_no_reminder_on_is_told_so() -> None:
    book()
    call("DELETE", "/v1/clients/anna/enrolment")
    assert failing()["enrolment", None, None] == "not_enrolled"
    call("POST", "/v1/clients/anna/enrolment")
    preferences = call("GET", "/v1/clients/anna/preferences").body["reminders"]
    off = {"reminders": [each | {"enabled": False} for each in preferences]}
    call("PUT", "/v1/clients/anna/preferences", off, headers={"if-match": "*"})
    found = failing()
    assert found["reminders", None, None] == "reminder_disabled"
    assert found["upcoming_reminders", None, None] == "reminder_disabled"


def test_without_an_appointment_ahead_no_reminder_is_planned(aws: Aws) -> None:
    assert failing()["upcoming_reminders", None, None] == "no_upcoming_reminders"
    book()
    assert ("upcoming_reminders", None, None) not in failing()
    aws.clock.advance(timedelta(days=30))
    assert failing()["upcoming_reminders", None, None] == "no_upcoming_reminders"


def test_a_planned_reminder_that_would_not_be_sent_says_why() -> None:
    book()
    call("PUT", "/v1/clients/anna/consents", {"service": {"sms": False}})
    assert failing()["upcoming_reminders", None, None] == "consent_missing"


def test_duplicates_are_named_unless_they_may_share() -> None:
    settings = {"prevent_duplicate_clients": False}
    assert call("PUT", "/v1/settings", settings, headers={"if-match": "*"}).status == 200
    assert call("POST", "/v1/clients", ANNA | {"id": "anna2"}).status == 201
    _, checks = diagnosis()
    found = checks["duplicates", None, None]
    assert (found["code"], "anna2" in found["detail"], "merge" in found["fix"]) == ("duplicate_client", True, True)
    assert call("PATCH", "/v1/clients/anna2", {"allow_shared_contact": True}).status == 200
    assert ("duplicates", None, None) not in failing()
    assert ("duplicates", None, None) not in failing("anna2")


def test_review_requests_need_a_consent_of_their_own() -> None:
    preferences = call("GET", "/v1/clients/anna/preferences").body["reminders"]
    on = {"reminders": [each | {"enabled": True} for each in preferences]}
    call("PUT", "/v1/clients/anna/preferences", on, headers={"if-match": "*"})
    assert failing()["consent", "email", "marketing"] == "consent_missing"
    consent = {"marketing": {"email": True}, "wording": "May we ask for a review?"}
    assert call("PUT", "/v1/clients/anna/consents", consent).status == 200
    assert ("consent", "email", "marketing") not in failing()


@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp", "telegram", "viber"])
@pytest.mark.parametrize("consents", [{}, {"email": True}, {"sms": True, "whatsapp": True, "telegram": True}])
def test_it_agrees_with_the_decision_on_every_channel(channel: Any, consents: dict[str, bool]) -> None:
    from carillon.bootstrap import contacts_api  # noqa: PLC0415 - it reads the environment on first use
    from carillon.services.facts import facts_of  # noqa: PLC0415

    book()
    client = {"id": "ben", "first_name": "Ben", "email": "ben@example.com", "consents": {"service": consents}}
    assert call("POST", "/v1/clients", client).status == 201
    service = contacts_api.services().diagnosis
    snapshot = service._reader.read([Want("aurora", record="appointments/a1", clients=("ben",), texts=True)])[0]
    assert snapshot.record is not None
    assert snapshot.settings is not None
    facts = facts_of(snapshot, snapshot.record, service._connections, client=snapshot.clients["ben"])
    assert facts is not None
    recipient = client_recipient(snapshot.clients["ben"], snapshot.settings)
    decided = obstacle(recipient, channel, "reminder.day_before", "service", facts)
    _, checks = diagnosis("ben")
    codes = [each["code"] for at, each in checks.items() if at[1] == channel and not each["ok"]]
    assert (decided.reason in codes, not codes) == (not decided.send, decided.send)


def test_an_unknown_or_removed_client_has_no_diagnosis() -> None:
    assert call("GET", "/v1/clients/nobody/diagnosis").status == 404
    call("DELETE", "/v1/clients/anna")
    assert call("GET", "/v1/clients/anna/diagnosis").status == 404


def test_every_role_but_the_operator_may_read_it() -> None:
    for role in ("org_admin", "manager", "staff", "integration"):
        assert call("GET", "/v1/clients/anna/diagnosis", role=role).status == 200
    assert call("GET", "/v1/clients/anna/diagnosis", role="operator").status == 403
