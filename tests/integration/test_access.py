"""Every route, by every role and from other tenants: who may not is told so, and nobody reaches what is not his."""

import re
from typing import Any

import pytest

from carillon.domain.organizations import ROLES
from carillon.runtime.http import Route
from tests.integration.account import Aws, activate, call, new_organization, routes

KEYED = [route for route in routes() if route.roles is not None]
MARK = "Zephyrine"
IDS = {
    "client_id": "c1",
    "staff_id": "s1",
    "device_id": "d1",
    "appointment_id": "a1",
    "order_id": "o1",
    "lead_id": "l1",
    "task_id": "k1",
    "organization_id": "aurora",
    "key": "appointment.booked.widget",
    "audience": "client",
    "channel": "sms",
    "locale": "nl",
}
TEXT = {"key": "appointment.booked.widget", "audience": "client", "channel": "sms", "locale": "nl", "sample": True}
BODIES: dict[str, Any] = {
    "/v1/settings": {"name": "Foreign"},
    "/v1/channels/<channel>": {"sender_id": "Foreign"},
    "/v1/settings/rules": {},
    "/v1/settings/reminders/apply": {"keys": ["day_before"]},
    "/v1/quota/top-ups": {"package": "sms-500"},
    "/v1/billing/details": {"company": "Foreign", "address": "Foreign"},
    "/v1/clients": {"id": "c9", "first_name": "Foreign"},
    "/v1/clients/batch": {"items": [{"id": "c8", "first_name": "Foreign"}]},
    "/v1/clients/merge": {"keep": "c1", "remove": "c9"},
    "/v1/clients/<client_id>": {"first_name": "Foreign"},
    "/v1/clients/<client_id>/consents": {"service": {"email": True}},
    "/v1/clients/<client_id>/preferences": {"reminders": []},
    "/v1/messages": {"channel": "sms", "client_id": "c1", "text": "Foreign"},
    "/v1/messages/preview": {"channel": "sms", "client_id": "c1", "text": "Foreign"},
    "/v1/simulations": {"from": "2026-11-23", "to": "2026-12-05", "settings": {"late_booking": "send_now"}},
    "/v1/events": {"type": "slot.available", "client_ids": ["c1"]},
    "/v1/explain": {"record": "appointments/a1"},
    "/v1/suppressions/lift": {"address": "anna@example.com"},
    "/v1/templates/preview": TEXT,
    "/v1/templates/test-send": {name: TEXT[name] for name in ("key", "audience", "channel", "locale")}
    | {"to": "0612345678"},
    "/v1/templates/<key>/<audience>/<channel>/<locale>": {"body": "Foreign"},
    "/v1/clients/<client_id>/devices/<device_id>": {"platform": "fcm", "token": "foreign-token"},
    "/v1/staff/<staff_id>/devices/<device_id>": {"platform": "fcm", "token": "foreign-token"},
    "/v1/staff": {"id": "s9", "name": "Foreign"},
    "/v1/staff/<staff_id>": {"name": "Foreign"},
    "/v1/organizations": {"name": "Foreign", "time_zone": "Europe/Paris", "locale": "fr", "country": "FR"},
    "/v1/organizations/<organization_id>": {"name": "Foreign"},
    "/v1/organizations/<organization_id>/credits": {"bucket": "sms", "amount": 1, "reason": "Foreign"},
    "/v1/orders/<order_id>": {"client_id": "c1", "number": "117", "status": "new", "executor_ids": ["s1"]},
    "/v1/leads/<lead_id>": {"contact": {"name": "Foreign", "email": "lead@example.com"}, "status": "new"},
    "/v1/tasks/<task_id>": {"title": "Foreign", "author_id": "s1", "assignee_ids": ["s1"], "status": "open"},
    "/v1/records/batch": {
        "items": [{"collection": "tasks", "id": "k1", "title": "Foreign", "author_id": "s1", "status": "open"}]
    },
    "/v1/appointments/<appointment_id>": {
        "client_id": "c1",
        "start": "2026-12-01T14:30:00",
        "duration_minutes": 30,
        "status": "booked",
    },
}
"""A valid body for each path that takes one."""


def label(route: Route) -> str:
    return f"{route.method} {route.path}"


def path_of(route: Route) -> str:
    return re.sub(r"<(\w+)>", lambda match: IDS.get(match[1], "x1"), route.path)


def body_of(route: Route) -> Any:
    return BODIES[route.path] if route.signature.body is not None else None


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_may_not_call_is_refused_before_anything_is_read(role: str) -> None:
    for route in KEYED:
        if role not in (route.roles or ()):
            refused = call(route.method, path_of(route), body_of(route), role=role)
            assert (refused.status, refused.code) == (403, "role_not_allowed"), label(route)


@pytest.fixture
def furnished(aws: Aws) -> Aws:
    """Two organizations; everything is in the first one."""
    for org in ("aurora", "borealis"):
        new_organization(org, metering={"sms": 100})
        activate(org)
        activate(org, mode="test")
    person = {"id": "c1", "first_name": MARK, "phone": "0612345678", "consents": {"service": {"sms": True}}}
    assert call("POST", "/v1/clients", person).status == 201
    assert call("POST", "/v1/staff", {"id": "s1", "name": MARK}).status == 201
    manager = {"manager": {"email": None, "mobile": "0612345678"}}
    assert call("PUT", "/v1/settings", manager, headers={"if-match": "*"}).status == 200
    booking = BODIES["/v1/appointments/<appointment_id>"] | {"service": MARK}
    assert call("PUT", "/v1/appointments/a1", booking).status == 201
    order = BODIES["/v1/orders/<order_id>"] | {"summary": MARK}
    assert call("PUT", "/v1/orders/o1", order).status == 201
    lead = BODIES["/v1/leads/<lead_id>"] | {"contact": {"name": MARK, "phone": "0612345678"}}
    assert call("PUT", "/v1/leads/l1", lead).status == 201
    assert call("PUT", "/v1/tasks/k1", BODIES["/v1/tasks/<task_id>"] | {"title": MARK}).status == 201
    return aws


@pytest.mark.parametrize("tenant", [("borealis", "live"), ("aurora", "test")], ids=["other", "test-data"])
def test_no_route_shows_or_touches_another_tenants_data(furnished: Aws, tenant: tuple[str, str]) -> None:
    org, mode = tenant
    before = _of_aurora(furnished)
    for route in KEYED:
        if "operator" in (route.roles or ()):
            continue
        (role, *_) = sorted(route.roles or ())
        headers = {"if-match": "*"} if route.versioned and route.method == "PUT" else {}
        answer = call(route.method, path_of(route), body_of(route), role=role, org=org, mode=mode, headers=headers)
        assert MARK not in str(answer.body), label(route)
        assert answer.status < 500, label(route)
        assert _of_aurora(furnished) == before, label(route)


def test_what_its_own_organization_is_shown_the_others_are_not(furnished: Aws) -> None:
    own = call("GET", "/v1/clients/c1")
    assert (own.status, MARK in str(own.body)) == (200, True)
    assert call("GET", "/v1/clients/c1", org="borealis").status == 404
    assert call("GET", "/v1/clients/c1", mode="test").status == 404
    assert furnished.items("borealis#C#") == []


def test_a_cursor_of_another_organization_is_refused(furnished: Aws) -> None:
    for number in range(3):
        call("PUT", f"/v1/staff/s{number}", {"name": "Own"})
    cursor = call("GET", "/v1/staff", query={"limit": "1"}).body["next_cursor"]
    refused = call("GET", "/v1/staff", query={"limit": "1", "cursor": cursor}, org="borealis")
    assert (refused.status, refused.code) == (422, "invalid_cursor")
    assert furnished.items("borealis#STAFF") == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_may_call_gets_an_answer_that_is_declared(role: str, furnished: Aws) -> None:
    allowed = [route for route in KEYED if role in (route.roles or ())]
    for route in sorted(allowed, key=lambda route: route.method == "DELETE"):
        headers = {"if-match": "*"} if route.versioned and route.method == "PUT" else {}
        answer = call(route.method, path_of(route), body_of(route), role=role, headers=headers)
        assert answer.status in route.statuses or answer.code in (*route.errors, "not_found"), label(route)
    assert furnished.calls


def _of_aurora(account: Aws) -> list[dict[str, Any]]:
    return [item for item in account.items("aurora#") if "idempotency" not in str(item.get("ty"))]
