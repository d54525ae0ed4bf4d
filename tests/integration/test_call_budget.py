"""How many AWS calls each endpoint makes: a further one is a defect, or a decision to be written down here."""

from typing import Any

import pytest

from tests.integration.account import OPERATOR_KEY, Aws, activate, call, new_organization

READ, WRITE = "BatchGetItem", "TransactWriteItems"
BILLING = {"company": "Salon Aurora BV", "address": "Damrak 1"}
PERSON = {"first_name": "Anna", "last_name": "Smit", "phone": "+31612345678", "email": "anna@example.com"}
ORDER = {"client_id": "c4", "number": "1", "status": "new", "executor_ids": ["s1"]}
TASK = {"title": "Call", "author_id": "s1", "assignee_ids": ["s1"], "status": "open"}
BATCH = [{"collection": "orders", "id": "o3"} | ORDER, {"collection": "tasks", "id": "t2"} | TASK]
BUDGET: list[tuple[str, str, Any, list[str]]] = [
    ("GET", "/health", None, []),
    ("GET", "/openapi.json", None, []),
    ("GET", "/v1/me", None, [READ]),
    ("GET", "/v1/integrations", None, [READ]),
    ("POST", "/v1/integrations/notifications/activate", None, [READ]),
    ("POST", "/v1/integrations/notifications/deactivate", None, [READ, WRITE]),
    ("GET", "/v1/settings", None, ["GetItem"]),
    # A save of the whole document needs no reading; one that leaves fields out reads what they are.
    ("PUT", "/v1/settings", "whole", [WRITE]),
    ("PUT", "/v1/settings", {"retention_days": 60}, ["GetItem", WRITE]),
    ("GET", "/v1/catalog", None, [READ]),
    ("GET", "/v1/settings/rules", None, [READ]),
    # Rules are hidden while notifications are inactive, so that is read before they are saved.
    ("PUT", "/v1/settings/rules", {}, [READ, WRITE]),
    ("POST", "/v1/clients", PERSON | {"id": "c2", "phone": None, "email": None}, [READ, WRITE]),
    # Two calls for each item, as for each alone.
    ("POST", "/v1/clients/batch", {"items": [{"first_name": "Ben"}, {"id": "c1", **PERSON}]}, [READ, WRITE, READ]),
    ("GET", "/v1/clients/c1", None, [READ]),
    ("PUT", "/v1/clients/c3", {"first_name": "Ben"}, [READ, WRITE]),
    ("PUT", "/v1/clients/c1", PERSON, [READ]),
    ("PATCH", "/v1/clients/c1", {"locale": "pl"}, [READ, "PutItem"]),
    # A contact given up costs a query, to see who else has it and takes the guard over.
    ("PATCH", "/v1/clients/c1", {"phone": "+31687654321"}, [READ, "Query", WRITE]),
    # What is held against a new address comes with the batch read.
    ("PATCH", "/v1/clients/c1", {"email": "anna@example.org"}, [READ, "Query", WRITE]),
    # Everybody who has the address: clients, staff, contacts of the settings.
    ("POST", "/v1/suppressions/lift", {"address": "new@example.com"}, ["GetItem", "Query", "Query", "GetItem"]),
    # Removing asks for upcoming appointments, and gives up both contacts.
    ("DELETE", "/v1/clients/c1", None, [READ, "Query", "Query", "Query", WRITE]),
    ("GET", "/v1/clients?phone=+31612345678", None, ["Query", READ]),
    ("GET", "/v1/clients?q=smit", None, ["Query", READ]),
    # One query for each shard of the list, which keeps it in the order of names.
    ("GET", "/v1/clients", None, ["Query"] * 4 + [READ]),
    ("GET", "/v1/clients/c1/consents", None, ["Query"]),
    ("PUT", "/v1/clients/c1/consents", {"service": {"sms": True}}, [READ, WRITE, "Query"]),
    # Approved WhatsApp texts (once a minute), who else has its phone, its e-mail, and its upcoming appointments.
    ("GET", "/v1/clients/c1/diagnosis", None, [READ] + ["Query"] * 4),
    ("GET", "/v1/messages", None, [READ, "Query"]),
    ("GET", "/v1/messages?client_id=c1", None, [READ, "Query"]),
    ("GET", "/v1/messages?status=failed", None, [READ, "Query"]),
    ("GET", "/v1/reports/messages?channel=sms", None, [READ, "Query"]),
    ("GET", "/v1/reports/summary", None, [READ, "Query"]),
    # A record comes in one read and goes in one write, whatever it names; one that differs in nothing is only read.
    ("PUT", "/v1/orders/o2", ORDER, [READ, "UpdateItem"]),
    ("PUT", "/v1/orders/o1", ORDER, [READ]),
    ("PUT", "/v1/leads/l1", {"contact": {"name": "Kim"}, "status": "new"}, [READ, "UpdateItem"]),
    ("PUT", "/v1/tasks/t1", TASK | {"record": "orders/o1"}, [READ, "UpdateItem"]),
    ("GET", "/v1/orders/o1", None, [READ]),
    # The week up to today: one query for each day, and a read of what they name.
    ("GET", "/v1/orders", None, ["Query"] * 8 + [READ]),
    ("DELETE", "/v1/orders/o1", None, [READ, "UpdateItem"]),
    # One read for all items, and a write for each.
    ("POST", "/v1/records/batch", {"items": BATCH}, [READ, "UpdateItem", "UpdateItem"]),
    # The settings and the staff; then the days, three back for what the night holds and two on for other zones: what is
    # due on each, and what starts on each (the default reminders look two days ahead and follow for three).
    ("POST", "/v1/simulations", {"from": "2026-11-24", "to": "2026-11-24"}, [READ] + ["Query"] * 19),
    ("GET", "/v1/inbound", None, [READ, "Query"]),
    ("GET", "/v1/inbound?client_id=c1", None, [READ, "Query"]),
    ("POST", "/v1/events", {"type": "slot.available", "client_ids": ["c1"]}, [READ, "PutItem"]),
    ("POST", "/v1/clients/c1/enrolment", None, [READ]),
    ("DELETE", "/v1/clients/c1/enrolment", None, [READ, "PutItem"]),
    ("GET", "/v1/clients/c1/preferences", None, [READ]),
    ("PUT", "/v1/clients/c1/preferences", {"reminders": []}, [READ, "PutItem"]),
    ("POST", "/v1/clients/c1/preferences/reset", None, [READ]),
    ("GET", "/v1/staff", None, ["Query"]),
    ("POST", "/v1/staff", {"name": "Tom"}, ["PutItem"]),
    ("POST", "/v1/staff", {"name": "Tom", "email": "tom@example.com"}, ["GetItem", "PutItem"]),
    ("GET", "/v1/staff/s1", None, ["GetItem"]),
    ("PUT", "/v1/staff/s2", {"name": "Tom"}, ["GetItem", "PutItem"]),
    ("PATCH", "/v1/staff/s1", {"active": False}, ["GetItem", "PutItem"]),
    # The member is read for the devices that go with it.
    ("DELETE", "/v1/staff/s1", None, ["GetItem", "DeleteItem"]),
    ("POST", "/v1/organizations", {"name": "B"}, [WRITE]),
    ("GET", "/v1/organizations", None, ["Query"] * 4 + [READ]),
    ("GET", "/v1/organizations/aurora", None, [READ]),
    ("PATCH", "/v1/organizations/aurora", {"name": "B"}, [READ, WRITE]),
    # Its own senders are read before they go, to be undone at their providers.
    ("DELETE", "/v1/organizations/aurora", None, [READ, READ, WRITE]),
    # Without anything metered; with it, test_doors_quota.py counts.
    ("GET", "/v1/quota", None, [READ]),
    ("GET", "/v1/quota/ledger", None, [READ]),
    ("GET", "/v1/channels", None, [READ]),
    ("GET", "/v1/quota/packages", None, [READ]),
    ("GET", "/v1/quota/top-ups", None, ["Query"]),
    ("GET", "/v1/billing/details", None, [READ]),
    ("PUT", "/v1/billing/details", BILLING | {"vat_id": "NL123456789B01"}, [READ, WRITE]),
    # The attempt is noted before the provider is asked, the rest after it.
    ("PUT", "/v1/channels/sms", {"sender_id": "Aurora"}, [READ, WRITE, WRITE]),
]


@pytest.fixture
def furnished(aws: Aws) -> Aws:
    new_organization()
    activate()
    assert call("POST", "/v1/clients", PERSON | {"id": "c1"}).status == 201
    assert call("POST", "/v1/staff", {"id": "s1", "name": "Sofie"}).status == 201
    assert call("POST", "/v1/clients", {"id": "c4", "first_name": "Zoe"}).status == 201
    assert call("PUT", "/v1/orders/o1", ORDER).status == 201
    assert call("PUT", "/v1/billing/details", BILLING).status == 201
    return aws


@pytest.mark.parametrize(
    ("method", "path", "body", "calls"),
    BUDGET,
    ids=[f"{method} {path}{' ' + str(body) if body else ''}"[:70] for method, path, body, _ in BUDGET],
)
def test_calls(furnished: Aws, method: str, path: str, body: Any, calls: list[str]) -> None:
    place, _, text = path.partition("?")
    operator = "organizations" in place
    version = "*"
    if body == "whole":
        document = call("GET", "/v1/settings")
        body, version = document.body, document.headers["ETag"]
    elif operator and method == "POST":
        body = {"time_zone": "Europe/Paris", "locale": "fr", "country": "FR"} | body
    query = {text.partition("=")[0]: text.partition("=")[2]} if text else None
    furnished.calls.clear()
    role = "operator" if operator else "org_admin"
    headers = {"if-match": version} if method == "PUT" else {}
    answer = call(method, place, body, role=role, headers=headers, query=query)
    assert answer.status < 300, answer.body
    assert furnished.calls == calls


def test_the_authorizer_reads_once_and_not_at_all_for_the_operator(furnished: Aws) -> None:
    from functions.authorizer.app import lambda_handler  # noqa: PLC0415 - it reads the environment on first use

    secret = new_organization("borealis").body["api_key"]["secret"]
    furnished.calls.clear()
    assert lambda_handler({"headers": {"authorization": f"Bearer {secret}"}}, None)["isAuthorized"]
    assert furnished.calls == [READ]
    assert lambda_handler({"headers": {"authorization": f"Bearer {OPERATOR_KEY}"}}, None)["isAuthorized"]
    assert furnished.calls == [READ]


def test_an_idempotency_key_adds_one_read_and_nothing_else(furnished: Aws) -> None:
    furnished.calls.clear()
    headers = {"idempotency-key": "k"}
    body = PERSON | {"phone": None, "email": None}
    call("POST", "/v1/clients", body, headers=headers)
    assert furnished.calls == ["GetItem", READ, WRITE]
    furnished.calls.clear()
    call("POST", "/v1/clients", body, headers=headers)
    assert furnished.calls == ["GetItem"]
