"""A business tells of everything it keeps, and buys: what the functions do for it is held to their permissions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.e2e.running_cloud import RunningCloud

Call = Callable[..., Any]
ON = {"email": {"enabled": True}, "sms": {"enabled": True}}


def keep_business(cloud: RunningCloud, call: Call, key: Mapping[str, str], made: str) -> None:
    """Two visits on a day, orders, leads and tasks, events that no record shows, and many of them at once."""
    day = cloud.now()[:8]
    _switch_on(call, key)
    visit = {"client_id": made, "duration_minutes": 30, "status": "booked", "staff_ids": ["sara"]}
    for name, hour in (("early", 15), ("late", 17)):
        call("PUT", f"/v1/appointments/{name}", json={**visit, "start": f"{day}28T{hour}:00:00"})
    order = {"number": "117", "status": "new", "manager_ids": ["sara"], "executor_ids": ["sara"]}
    call("PUT", "/v1/orders/117", json={**order, "client": {"first_name": "Kim", "email": "kim@example.com"}})
    task = {"title": "Call Kim", "author_id": "sara", "assignee_ids": ["sara"], "status": "open"}
    contact = {"name": "Lou", "phone": "0612345696", "consents": {"service": {"sms": True}}}
    lead = {"contact": contact, "status": "new", "manager_ids": ["sara"]}
    items = [
        {"collection": "orders", "id": "118", **order, "client_id": made},
        {"collection": "leads", "id": "l1", **lead},
        {"collection": "tasks", "id": "t1", **task, "record": "orders/117", "due": f"{day}28T13:00:00"},
    ]
    done = call("POST", "/v1/records/batch", {**key, "Idempotency-Key": "many"}, json={"items": items}).json()
    assert [each["status"] for each in done["results"]] == [201, 201, 201], done
    call("PUT", "/v1/orders/118", json={**order, "client_id": made, "status": "ready"})
    call("PUT", "/v1/leads/l1", json={**lead, "status": "called"})
    people = [{"first_name": "Ada", "email": "ada@example.com"}, {"id": "bo", "first_name": "Bo"}]
    call("POST", "/v1/clients/batch", {**key, "Idempotency-Key": "people"}, json={"items": people})
    slot = {"type": "slot.available", "client_ids": [made], "data": {"start": f"{day}29T10:00:00"}}
    call("POST", "/v1/events", {**key, "Idempotency-Key": "slot"}, json=slot)


def ask(cloud: RunningCloud, call: Call) -> None:
    """Look at what was kept, what would be sent, and what was."""
    today = cloud.now()[:10]
    for collection, name in (("orders", "117"), ("leads", "l1"), ("tasks", "t1")):
        call("GET", f"/v1/{collection}/{name}")
        call("GET", f"/v1/{collection}")
        call("POST", "/v1/explain", json={"record": f"{collection}/{name}"})
    call("POST", "/v1/explain", json={"record": "appointments/late"})
    call("POST", "/v1/simulations", json={"from": today, "to": today, "settings": {"collapse_same_day": True}})
    for form in ("json", "csv"):
        call("GET", "/v1/reports/messages", params={"channel": "sms", "from": today, "to": today, "format": form})
    call("GET", "/v1/reports/summary", params={"from": today, "to": today, "group_by": "day,channel,status,reason"})


def buy(cloud: RunningCloud, call: Call, key: Mapping[str, str]) -> None:
    """A top-up that is paid on its page and refunded after use, one that charges what was saved, one left alone."""
    call("PUT", "/v1/billing/details", json={"company": "Salon BV", "address": "Damrak 1"})
    call("GET", "/v1/quota/packages")
    first = call("POST", "/v1/quota/top-ups", {**key, "Idempotency-Key": "bought"}, json={"package": "sms-100"}).json()
    assert cloud.tools.post(f"{first['checkout_url']}/pay-good").status_code == 303
    cloud.advance("PT10S")
    second = call("POST", "/v1/quota/top-ups", json={"package": "sms-100"}).json()
    assert second["status"] == "paid"
    assert cloud.tools.post(f"{first['checkout_url']}/refund-half").status_code == 303
    cloud.advance("PT10S")
    assert call("GET", f"/v1/quota/top-ups/{first['id']}").json()["credited"] == 50
    call("POST", "/v1/quota/top-ups", json={"package": "sms-100", "new_payment_method": True})
    call("GET", "/v1/quota/top-ups")


def end_business(call: Call, made: str) -> None:
    """What was kept goes; an appointment that took place asks for a review."""
    visit = {"client_id": made, "duration_minutes": 30, "status": "completed", "staff_ids": ["sara"]}
    start = call("GET", "/v1/appointments/early").json()["start"]
    call("PUT", "/v1/appointments/early", json={**visit, "start": start})
    for place in ("orders/117", "leads/l1", "tasks/t1"):
        call("DELETE", f"/v1/{place}")


def _switch_on(call: Call, key: Mapping[str, str]) -> None:
    told = {
        "collapse_same_day": True,
        "remind_staff": {"enabled": True, "channels": ["email"]},
        "review": {"url": "https://example.com/review", "at_most_every_days": 30},
    }
    reminders = call("GET", "/v1/settings").json()["reminders"]
    told["reminders"] = [{**each, "enabled": True} for each in reminders]
    call("PUT", "/v1/settings", {**key, "If-Match": "*"}, json=told)
    rules = call("GET", "/v1/settings/rules").json()["rules"]
    for rule in rules:
        if rule["event"].partition(".")[0] in ("order", "lead", "task"):
            rule["channels"] = {**rule["channels"], **ON}
    ready = {"event": "order.status_changed", "audience": "client", "when": {"status": "ready"}, "channels": ON}
    call("PUT", "/v1/settings/rules", {**key, "If-Match": "*"}, json={"rules": [*rules, ready]})
