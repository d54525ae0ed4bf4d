"""Orders, leads and tasks on the whole account: from their PUTs to what people read, with replies and bounces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from carillon.adapters.providers.twilio_whatsapp import TwilioWhatsapp
from carillon.bootstrap import config
from carillon.bootstrap import replies as replies_bootstrap
from carillon.domain.replies import Reply
from carillon.runtime.config import RunJobsConfig
from tests.integration.account import NOW, REGION, Aws, activate, call, new_organization
from tests.integration.world import DeathError, Deaths, World, unwatch

CHANNELS = {"email": {"enabled": True}, "sms": {"enabled": True}}
CONSENTS = {"service": {"sms": True, "email": True}}
ORDER: dict[str, Any] = {
    "client_id": "anna",
    "number": "117",
    "summary": "Two chairs",
    "status": "new",
    "total": {"amount": 240, "currency": "EUR"},
    "executor_ids": ["tom"],
    "manager_ids": ["eva"],
    "due": "2026-12-01T17:00:00",
}
LEAD: dict[str, Any] = {
    "contact": {"name": "Kim Vos", "phone": "0687654321", "email": "kim@example.com", "consents": CONSENTS},
    "status": "new",
    "summary": "Wants a table",
    "manager_ids": ["eva"],
}
TASK: dict[str, Any] = {
    "title": "Call back",
    "author_id": "eva",
    "assignee_ids": ["tom"],
    "status": "open",
    "due": "2026-11-23T17:00:00",
}
DUE = datetime(2026, 11, 23, 16, tzinfo=UTC)


@pytest.fixture
def world(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    new_organization()
    activate()
    made = World(aws)
    monkeypatch.setattr(TwilioWhatsapp, "send", lambda _, outgoing: made.twilio(outgoing))
    # Nothing here depends on planning anew, which every saved document would start.
    monkeypatch.setattr(World, "_is_news", lambda _self, _image: False)
    anna = {
        "id": "anna",
        "first_name": "Anna",
        "phone": "0612345678",
        "email": "anna@example.com",
        "consents": CONSENTS,
    }
    assert call("POST", "/v1/clients", anna).status == 201
    for number, name in enumerate(("tom", "eva", "bo")):
        member = {"name": name.title(), "email": f"{name}@example.com", "mobile": f"061111000{number}"}
        assert call("PUT", f"/v1/staff/{name}", member).status == 201
    statuses = [{"key": "ready", "label": {"nl": "klaar om op te halen"}}, {"key": "closed", "final": True}]
    assert call("PUT", "/v1/settings", {"order_statuses": statuses}, headers={"if-match": "*"}).status == 200
    made.deaths.calls.clear()
    yield made
    unwatch()


def rules(*bound: dict[str, Any], groups: tuple[str, ...] = ("order", "lead", "task")) -> None:
    """Have everything told by e-mail and SMS of these groups, and what is bound besides."""
    document = call("GET", "/v1/settings/rules").body
    for rule in document["rules"]:
        if rule["event"].partition(".")[0] in groups:
            rule["channels"] = CHANNELS
    saved = {"rules": [*document["rules"], *bound]}
    answer = call("PUT", "/v1/settings/rules", saved, headers={"if-match": "*"})
    assert answer.status == 200, answer.body


def put(path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = call("PUT", path, body)
    assert answer.status in (200, 201), answer.body
    return answer.body  # type: ignore[no-any-return]


def told(world: World) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for channel, to, text in world.sent:
        found.setdefault((channel, to), []).append(text)
    return found


def test_a_client_reads_that_the_order_is_ready_and_what_it_costs(world: World) -> None:
    text = "Uw bestelling {{ order.number }} is {{ order.status }}. Te betalen: {{ order.total }}."
    place = "/v1/templates/own.ready/client/sms/nl"
    assert call("PUT", place, {"body": text}, headers={"if-match": "*"}).status in (200, 201)
    ready = {
        "event": "order.status_changed",
        "audience": "client",
        "when": {"status": "ready"},
        "channels": {"sms": {"enabled": True, "template": "own.ready"}, "email": {"enabled": True}},
    }
    rules(ready, groups=())
    assert put("/v1/orders/117", ORDER)["events"] == ["order.created"]
    done = put("/v1/orders/117", ORDER | {"status": "ready"})
    assert (done["version"], done["events"], done["reminders"]) == (2, ["order.status_changed"], [])
    world.settle()
    heard = told(world)
    assert set(heard) == {("sms", "+31612345678"), ("email", "anna@example.com")}
    (sms,) = heard["sms", "+31612345678"]
    assert sms.replace("\xa0", " ") == "Uw bestelling 117 is klaar om op te halen. Te betalen: € 240,00."


def test_every_built_in_text_is_written_for_a_real_record(world: World) -> None:
    rules()
    put("/v1/orders/117", ORDER | {"executor_ids": []})
    put("/v1/orders/117", ORDER | {"status": "ready"})
    put("/v1/orders/117", ORDER | {"status": "ready", "final": True})
    put("/v1/leads/9", LEAD | {"manager_ids": []})
    put("/v1/leads/9", LEAD | {"status": "called"})
    put("/v1/tasks/t1", TASK)
    put("/v1/tasks/t1", TASK | {"assignee_ids": ["tom", "bo"]})
    world.settle()
    world.advance_to(DUE)
    put("/v1/tasks/t1", TASK | {"status": "done"})
    world.settle()
    kinds = {(item["key"], item["au"]) for item in world.messages() if item["st"] == "sent"}
    named = {
        ("order.created", "client"),
        ("order.created", "order_manager"),
        ("order.assigned", "executor"),
        ("order.status_changed", "client"),
        ("order.completed", "client"),
        ("order.completed", "executor"),
        ("lead.created", "client"),
        ("lead.assigned", "lead_manager"),
        ("lead.status_changed", "client"),
        ("task.created", "assignee"),
        ("task.assigned", "assignee"),
        ("task.overdue", "assignee"),
        ("task.overdue", "author"),
        ("task.completed", "author"),
    }
    # What waited while the record moved on is superseded; everything else went out, and nothing failed to be written.
    states = Counter((item["st"], item.get("rs")) for item in world.messages())
    assert {state for state, _ in states} <= {"sent", "suppressed"}
    assert {reason for _, reason in states} <= {None, "superseded", "duplicate"}
    assert named - kinds <= {("order.status_changed", "client"), ("task.created", "assignee")}
    texts = " ".join(text for _, _, text in world.sent)
    assert "{{" not in texts
    assert "None" not in texts


def test_a_contact_that_wrote_stop_or_whose_mail_bounced_is_not_written_to(world: World) -> None:
    rules()
    put("/v1/leads/9", LEAD)
    world.settle()
    kim = {("sms", "+31687654321"), ("email", "kim@example.com")}
    assert kim <= set(told(world))
    listed = call("GET", "/v1/messages", query={"record": "leads/9"}).body["items"]
    of_kim = [item for item in listed if item["audience"] == "client"]
    assert sorted((item["channel"], item["to"], item["client_id"]) for item in of_kim) == [
        ("email", "kim@example.com", None),
        ("sms", "+31687654321", None),
    ]
    assert call("GET", f"/v1/messages/{of_kim[0]['id']}").body["status"] == "sent"
    world.sent.clear()
    inbound = replies_bootstrap.inbound(config(RunJobsConfig))
    stop = Reply(channel="sms", provider_id="1", address="+31687654321", text="STOP", at=NOW)
    assert inbound.take("aurora", stop).opt == "out"
    put("/v1/leads/9", LEAD | {"status": "called"})
    world.settle()
    assert ("sms", "+31687654321") not in told(world)
    assert ("email", "kim@example.com") in told(world)
    refused = [item for item in world.messages() if item["st"] == "suppressed"]
    assert refused == []
    explained = call("POST", "/v1/explain", {"record": "leads/9", "event": "lead.status_changed"}).body["items"]
    of_contact = {
        item["channel"]: (item["recipient"], item["reason"]) for item in explained if item["audience"] == "client"
    }
    assert of_contact["sms"] == ("contact", "opted_out")
    back = Reply(channel="sms", provider_id="2", address="+31687654321", text="START", at=NOW)
    assert inbound.take("aurora", back).opt == "back"
    world.sent.clear()
    put("/v1/leads/9", LEAD | {"status": "won"})
    world.settle()
    assert kim <= set(told(world))


def overdue(world: World) -> None:
    for _ in range(3):
        try:
            put("/v1/tasks/t1", TASK)
            break
        except DeathError:
            world.listen()
    world.settle()
    world.advance_to(DUE)


@pytest.mark.parametrize("at", range(0, 44, 4))
def test_wherever_a_process_dies_a_task_is_overdue_once(world: World, at: int) -> None:
    rules(groups=())
    rules(groups=("task",))
    world.settle()
    world.deaths.calls.clear()
    world.deaths.at = at
    overdue(world)
    counts = Counter((channel, to) for channel, to, _ in world.sent)
    unknown = sum(1 for item in world.messages() if item["st"] in ("unknown", "sending"))
    assert sum(counts.values()) + unknown >= 6
    assert max(counts.values()) <= 2
    keys = Counter((item["key"], item["au"], item.get("ch")) for item in world.messages())
    assert max(keys.values()) == 1
    assert {item["st"] for item in world.messages()} <= {"sent", "unknown"}
    assert isinstance(world.deaths, Deaths)


def test_a_removed_organizations_tasks_leave_no_schedule(world: World) -> None:
    put("/v1/tasks/t1", TASK)
    world.settle()
    assert len(world.schedules()) == 1
    assert call("DELETE", "/v1/organizations/aurora", role="operator").status == 202
    boto3.client("sqs", region_name=REGION).send_message(
        QueueUrl=world.aws.environment["JOBS_QUEUE_URL"],
        MessageBody='{"kind": "purge", "o": "aurora", "position": null}',
    )
    world.settle()
    assert world.schedules() == []


def test_a_batch_is_repeated_by_its_key_and_stored_once(world: World) -> None:
    items = [
        {"collection": "orders", "id": "118", **ORDER},
        {"collection": "orders", "id": "bad id", **ORDER},
        {"collection": "visits", "id": "1"},
        {
            "collection": "tasks",
            "id": "t2",
            "title": "Pack",
            "author_id": "eva",
            "status": "open",
            "record": "orders/118",
        },
        {"collection": "orders", "id": "119", "client_id": "nobody", "number": "1", "status": "new", "sum": 1},
        7,
        {"collection": "orders", **ORDER},
    ]
    headers = {"idempotency-key": "import-1"}
    answer = call("POST", "/v1/records/batch", {"items": items}, headers=headers)
    assert answer.status == 200, answer.body
    results = answer.body["results"]
    assert [result["status"] for result in results] == [201, 422, 422, 201, 422, 422, 422]
    assert results[0] | {"problem": None} == {
        "record": "orders/118", "id": "118", "status": 201, "version": 1, "events": ["order.created"], "stale": False,
        "problem": None,
    }  # fmt: skip
    assert [[fault["pointer"] for fault in result["problem"]["errors"]] for result in (results[1], results[2])] == [
        ["/id"],
        ["/collection"],
    ]
    assert (results[1]["record"], results[4]["record"]) == (None, "orders/119")
    assert results[6]["problem"]["errors"][0]["pointer"] == "/id"
    assert call("POST", "/v1/records/batch", {"items": items}, headers=headers).body == answer.body
    assert world.statuses() == {}
    assert call("POST", "/v1/records/batch", {"items": []}).faults == {"/items": "invalid_value"}


def test_lists_show_what_changed_lately_and_page(world: World) -> None:
    for number in range(3):
        put(f"/v1/orders/{number}", ORDER | {"number": str(number)})
    first = call("GET", "/v1/orders", query={"limit": "2"}).body
    assert [item["id"] for item in first["items"]] == ["0", "1"]
    rest = call("GET", "/v1/orders", query={"limit": "2", "cursor": first["next_cursor"]}).body
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == (["2"], None)
    assert call("GET", "/v1/leads").body == {"items": [], "next_cursor": None}
    put("/v1/tasks/t1", TASK)
    (task,) = call("GET", "/v1/tasks").body["items"]
    assert [(each["key"], each["at"], each["state"], each["audience"]) for each in task["reminders"]] == [
        ("overdue", "2026-11-23T16:00:00Z", "planned", None)
    ]
    for query in ({"record": "tasks/t1"}, {"from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z"}):
        world.settle()
        (due,) = call("GET", "/v1/reminders", query=query).body["items"]
        assert (due["record"], due["client_id"], due["key"]) == ("tasks/t1", None, "overdue")
    assert call("DELETE", "/v1/orders/0").status == 204
    assert call("GET", "/v1/orders/0").status == 404
    assert world.deaths.at == 0


def test_a_client_may_come_along_with_an_order_and_a_lead(world: World) -> None:
    body = {name: value for name, value in ORDER.items() if name != "client_id"}
    made = put("/v1/orders/117", body | {"client": {"id": "ben", "first_name": "Ben"}})
    assert made["client_id"] == "ben"
    lead = {"status": "new", "client": {"id": "ben", "first_name": "Benno"}}
    assert put("/v1/leads/9", lead)["client_id"] == "ben"
    assert call("GET", "/v1/clients/ben").body["first_name"] == "Benno"
    wrong = call("PUT", "/v1/orders/118", body | {"client": {"first_name": "Bo", "phone": "12"}, "executor_ids": ["x"]})
    assert wrong.status == 422
    assert wrong.faults.keys() >= {"/client/phone", "/executor_ids/0"}
    assert call("DELETE", "/v1/clients/ben").status == 204
    assert world.deaths.at == 0
