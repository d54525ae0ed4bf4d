"""Bounces and complaints, from SES's event to what is decided afterwards: through the real handlers on moto."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.account import Aws, activate, call, new_organization
from tests.integration.mail_reports import ADDRESS, bounced, checked, code, complained, event, report
from tests.integration.world import DeathError

pytestmark = pytest.mark.usefixtures("organization")
ANNA = {"id": "anna", "first_name": "Anna", "email": "Anna@example.com", "consents": {"service": {"email": True}}}


@pytest.fixture
def organization(aws: Aws) -> None:
    new_organization()
    new_organization("other")
    activate()
    activate("other")
    assert call("POST", "/v1/clients", ANNA).status == 201
    assert call("POST", "/v1/clients", ANNA, org="other").status == 201
    aws.calls.clear()


def test_a_hard_bounce_bars_the_address_for_this_organization_only(aws: Aws) -> None:
    assert report(bounced(aws)) == []
    found = checked()
    assert (found["ok"], found["code"]) == (False, "address_bounced")
    assert "/v1/suppressions/lift" in found["fix"]
    assert call("GET", "/v1/clients/anna").body["can_message"]["email"] is False
    assert (code(org="other"), call("GET", "/v1/clients/anna", org="other").body["can_message"]["email"]) == (
        None,
        True,
    )


def test_what_is_kept_names_no_address(aws: Aws) -> None:
    report(bounced(aws))
    (item,) = aws.items("aurora#X#")
    assert "ttl" not in item
    assert ADDRESS not in json.dumps(item, default=str).casefold()


def test_reports_that_come_twice_change_nothing_the_second_time(aws: Aws) -> None:
    report(bounced(aws))
    before = aws.items()
    report(bounced(aws), bounced(aws))
    assert aws.items() == before


def test_a_complaint_is_an_opt_out_too(aws: Aws) -> None:
    report(complained(aws))
    assert code() == "address_complained"
    history = call("GET", "/v1/clients/anna/consents").body["history"]
    assert {"ses_complaint"} == {each["source"] for each in history if not each["granted"]}
    checks = call("GET", "/v1/clients/anna/diagnosis").body["checks"]
    (opted,) = (each for each in checks if (each["check"], each["channel"]) == ("opt_out", "email"))
    assert opted["code"] == "opted_out"


def test_every_person_with_the_address_is_marked(aws: Aws) -> None:
    call("POST", "/v1/clients", {**ANNA, "id": "twin", "allow_shared_contact": True})
    call("POST", "/v1/staff", {"id": "s1", "name": "Anna", "email": ADDRESS.upper()})
    call("POST", "/v1/staff", {"id": "s2", "name": "Ben", "email": "ben@example.com"})
    current = call("GET", "/v1/settings")
    named = call("PUT", "/v1/settings", {"owner": {"email": ADDRESS}}, headers={"if-match": current.headers["ETag"]})
    assert named.status == 200
    assert report(bounced(aws, recipient="s:s1")) == []
    assert (code(), code("twin")) == ("address_bounced", "address_bounced")
    marked = [item["sk"] for item in aws.items("aurora#STAFF") if "address_bounced" in item["doc"]]
    assert marked == ["s1"]
    (organization,) = aws.items("aurora#ORG")
    assert "address_bounced" in organization["doc"]


def test_whoever_comes_with_the_address_later_is_marked_at_once(aws: Aws) -> None:
    # Reports outlive the client: removed and made again, under another id or with another's address.
    assert call("DELETE", "/v1/clients/anna").status == 204
    report(bounced(aws))
    aws.calls.clear()
    assert call("POST", "/v1/clients", {**ANNA, "id": "again"}).status == 201
    assert aws.calls == ["BatchGetItem", "TransactWriteItems"]
    assert code("again") == "address_bounced"
    assert call("PUT", "/v1/clients/anna", {**ANNA, "allow_shared_contact": True}).status == 201
    assert code() == "address_bounced"
    call("POST", "/v1/staff", {"id": "s1", "name": "Anna", "email": ADDRESS})
    assert "address_bounced" in aws.items("aurora#STAFF")[0]["doc"]


def test_a_client_that_comes_along_with_an_appointment_is_marked_too(aws: Aws) -> None:
    report(bounced(aws))
    body = {
        "client": {"id": "new", "first_name": "Nora", "email": ADDRESS, "allow_shared_contact": True},
        "start": "2026-12-01T14:30:00",
        "duration_minutes": 30,
        "status": "booked",
    }
    assert call("PUT", "/v1/appointments/a1", body).status == 201
    assert code("new") == "address_bounced"


def test_another_address_is_a_way_back_and_the_old_one_is_not(aws: Aws) -> None:
    report(bounced(aws))
    assert call("PATCH", "/v1/clients/anna", {"email": "anna@new.example"}).status == 200
    assert code() is None
    aws.calls.clear()
    assert call("PATCH", "/v1/clients/anna", {"email": ADDRESS}).status == 200
    assert aws.calls == ["BatchGetItem", "Query", "TransactWriteItems"]
    assert code() == "address_bounced"


def lift(address: str = ADDRESS, **more: Any) -> Any:
    return call("POST", "/v1/suppressions/lift", {"address": address}, **more)


def test_a_bounced_address_can_be_used_again_once_it_is_mended(aws: Aws) -> None:
    old = bounced(aws)
    report(old)
    assert lift(address="ANNA@example.com").body == {"channel": "email", "address": "ANNA@example.com"}
    assert code() is None
    assert call("POST", "/v1/clients", {**ANNA, "id": "twin", "allow_shared_contact": True}).status == 201
    assert code("twin") is None
    # The report of then, delivered once more, is about what is mended; one about later mail counts.
    report(old)
    assert code() is None
    aws.clock.advance(timedelta(hours=1))
    report(bounced(aws))
    assert code() == "address_bounced"


def test_lifting_what_is_not_barred_changes_nothing(aws: Aws) -> None:
    before = aws.items("aurora#C#")
    assert lift().status == 200
    assert lift(address="nobody@example.com").status == 200
    assert aws.items("aurora#C#") == before
    assert aws.items("aurora#X#") == []


def test_nobody_takes_a_complaint_back_for_its_owner(aws: Aws) -> None:
    report(complained(aws))
    answer = lift()
    assert (answer.status, answer.code) == (409, "opted_out")
    report(bounced(aws))
    assert code() == "address_complained"


def test_a_mark_stays_with_its_organization(aws: Aws) -> None:
    report(bounced(aws))
    assert lift(org="other").status == 200
    assert code() == "address_bounced"


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_a_bounce_that_may_pass_bars_nothing(aws: Aws, kind: str) -> None:
    assert report(event(aws, "Bounce", bounce={"bounceType": kind})) == []
    assert code() is None


def test_a_report_about_someone_who_is_gone_is_kept_for_the_address(aws: Aws) -> None:
    assert report(complained(aws, recipient="c:gone"), bounced(aws, recipient="r:manager#2026-11-23")) == []
    assert code() == "address_complained"


@pytest.mark.parametrize("at", range(1, 16))
def test_a_report_whose_taker_dies_is_taken_whole_the_next_time(aws: Aws, deaths: list[int], at: int) -> None:
    call("POST", "/v1/clients", {**ANNA, "id": "twin", "allow_shared_contact": True})
    call("POST", "/v1/staff", {"id": "s1", "name": "Anna", "email": ADDRESS})
    told = complained(aws)
    deaths[0] = at
    try:
        report(told)
    except DeathError:
        report(told)
    deaths[0] = 0
    assert (code(), code("twin")) == ("address_complained", "address_complained")
    assert "address_complained" in aws.items("aurora#STAFF")[0]["doc"]
    history = call("GET", "/v1/clients/anna/consents").body["history"]
    assert sum(each["source"] == "ses_complaint" for each in history) == 2  # one word, one line for each purpose
