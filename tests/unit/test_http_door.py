"""A door: what it accepts, and the one shape of everything it refuses."""

import base64
import json
from typing import Annotated, Any

import pytest

from carillon.domain.constraints import Name, Whole, document
from carillon.domain.errors import Contended, NotFound
from carillon.domain.idempotency import Attempt, RepeatedError, StoredAnswer
from carillon.runtime.http import INSIDE, Answer, Call, Door, Draft, Id, ListQuery, Nothing, Page
from tests.logs import listening


@document
class Thing:
    name: Name
    size: Annotated[int, Whole(1, 9)] = 1


@document
class ThingQuery(ListQuery):
    name: Name | None = None


class MemoryAnswers:
    """Keeps answers in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], StoredAnswer] = {}

    def find(self, org_id: str, key: str) -> StoredAnswer | None:
        return self.kept.get((org_id, key))

    def begin(self, org_id: str, attempt: Attempt) -> bool:
        if (org_id, attempt.key) in self.kept:
            return False
        self.kept[org_id, attempt.key] = StoredAnswer(attempt.key, attempt.fingerprint)
        return True

    def finish(self, org_id: str, answer: StoredAnswer) -> None:
        self.kept[org_id, answer.key] = answer

    def forget(self, org_id: str, key: str) -> None:
        del self.kept[org_id, key]


answers = MemoryAnswers()
door = Door(answers=lambda: answers)
made: list[str] = []


@door.get("/v1/things", roles=INSIDE)
def list_things(call: Call, query: ThingQuery) -> Answer[Page[Thing]]:
    """List things."""
    begin = int(call.position or "0")
    items = [Thing(name=f"n{place}") for place in range(begin, begin + query.limit)]
    return Answer(Page(items, str(begin + query.limit)))


@door.post("/v1/things", roles=INSIDE, statuses=(201,))
def make_thing(call: Call, body: Thing) -> Answer[Thing]:
    """Make a thing."""
    if call.attempt:
        stored = call.attempt.answered(201, body)
        if answers.find(call.org_id, stored.key):
            raise RepeatedError
        answers.finish(call.org_id, stored)
    made.append(body.name)
    return Answer(body, status=201)


@door.post("/v1/runs", roles=INSIDE, repeats="leased")
def run(call: Call) -> Answer[dict[str, int]]:
    """Run."""
    if call.headers.get("x-fail"):
        raise NotFound("nothing to run")
    made.append("run")
    return Answer({"runs": len(made)})


@door.put("/v1/things/<thing_id>", roles=INSIDE, versioned=True)
def put_thing(call: Call, thing_id: Id, body: Draft[Thing]) -> Answer[Thing]:
    """Put a thing."""
    thing = body.over({"name": thing_id, "size": 2})
    return Answer(thing, etag=f"{call.if_match()}+1")


@door.delete("/v1/things/<thing_id>", roles=frozenset({"org_admin"}))
def delete_thing(call: Call, thing_id: Id) -> Nothing:
    """Delete a thing."""
    if thing_id == "boom":
        raise RuntimeError("anna@example.com does not work")
    if thing_id == "busy":
        raise Contended("too many")
    raise NotFound(f"there is no thing {thing_id} for {call.org_id}")


@door.get("/health", roles=None)
def health(call: Call) -> Answer[dict[str, str]]:
    """Health."""
    return Answer({"status": "ok", "id": call.request_id})


def send(
    method: str,
    path: str,
    body: Any = None,
    *,
    role: str | None = "staff",
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    raw: str | None = None,
    base64_encoded: bool = False,
) -> tuple[int, Any, dict[str, str]]:
    context = {"org_id": "aurora", "role": role, "key_id": "K1", "mode": "live"}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "ANY /v1/{proxy+}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers or {},
        "requestContext": {
            "http": {"method": method, "path": path},
            "requestId": "R1",
            "stage": "$default",
        }
        | ({"authorizer": {"lambda": context}} if role else {}),
        "isBase64Encoded": base64_encoded,
    }
    if query:
        event["queryStringParameters"] = query
    text = raw if raw is not None else None if body is None else json.dumps(body)
    if text is not None:
        event["body"] = text
    answer = door.handler(event, None)
    found = {
        name: values if isinstance(values, str) else values[0] for name, values in (answer.get("headers") or {}).items()
    }
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        found[name] = values[0]
    return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None, found


def codes(problem: dict[str, Any]) -> dict[str, str]:
    return {fault["pointer"]: fault["code"] for fault in problem["errors"]}


def test_a_public_route_answers_without_a_key_and_is_not_cached_by_others() -> None:
    status, body, headers = send("GET", "/health", role=None)
    assert (status, body) == (200, {"status": "ok", "id": "R1"})
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"] == "application/json"


def test_every_fault_of_a_body_is_named_at_once() -> None:
    status, problem, headers = send("POST", "/v1/things", {"size": 12, "colour": "red"})
    assert status == 422
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["code"] == "invalid_input"
    assert problem["request_id"] == "R1"
    assert codes(problem) == {
        "/name": "missing_field",
        "/size": "invalid_value",
        "/colour": "unknown_field",
    }


@pytest.mark.parametrize("raw", ['{"name": ', "nothing", '{"name": NaN}', '{"name": "\\ud800"}', "[" * 5000])
def test_broken_json_is_named_with_its_place(raw: str) -> None:
    status, problem, _ = send("POST", "/v1/things", raw=raw)
    assert (status, problem["code"]) == (400, "invalid_json")
    assert "column" in problem["detail"]


def test_a_body_that_is_not_utf8_is_refused() -> None:
    raw = base64.b64encode(b'{"name": "\xff"}').decode()
    status, problem, _ = send("POST", "/v1/things", raw=raw, base64_encoded=True)
    assert (status, problem["code"]) == (400, "invalid_json")


def test_a_body_that_is_no_object_is_refused() -> None:
    status, problem, _ = send("POST", "/v1/things", [1])
    assert (status, codes(problem)) == (422, {"": "invalid_value"})


def test_a_missing_body_is_broken_json() -> None:
    assert send("POST", "/v1/things")[0] == 400


def test_a_body_of_another_type_is_refused() -> None:
    status, problem, _ = send("POST", "/v1/things", {}, headers={"content-type": "text/xml"})
    assert (status, problem["code"]) == (415, "unsupported_media_type")


def test_a_body_over_the_limit_is_refused() -> None:
    status, problem, _ = send("POST", "/v1/things", {"name": "x" * 270_000})
    assert (status, problem["code"]) == (413, "body_too_large")


def test_an_unknown_path_and_a_wrong_method_have_their_problems() -> None:
    status, problem, _ = send("GET", "/v1/nowhere")
    assert (status, problem["code"]) == (404, "not_found")
    status, problem, headers = send("PATCH", "/v1/things")
    assert (status, problem["code"], headers["Allow"]) == (405, "method_not_allowed", "GET, POST")


def test_a_role_that_may_not_is_told_so_before_anything_else() -> None:
    status, problem, _ = send("POST", "/v1/things", raw="{", role="operator")
    assert (status, problem["code"]) == (403, "role_not_allowed")
    status, problem, _ = send("GET", "/v1/things", role=None)
    assert (status, problem["code"]) == (403, "role_not_allowed")


@pytest.mark.parametrize("bad", ["a%2Fb", "a%20b", "%C3%A9", "x" * 65, "a%00"])
def test_a_bad_id_in_the_path_is_refused(bad: str) -> None:
    status, problem, _ = send("DELETE", f"/v1/things/{bad}", role="org_admin")
    assert (status, codes(problem)) == (422, {"/thing_id": "invalid_value"})


def test_an_id_is_decoded() -> None:
    status, problem, _ = send("DELETE", "/v1/things/a%3Ab", role="org_admin")
    assert (status, problem["detail"]) == (404, "there is no thing a:b for aurora")


def test_an_accident_tells_nothing_and_is_logged_once_without_addresses() -> None:
    with listening() as log:
        status, problem, _ = send("DELETE", "/v1/things/boom", role="org_admin")
    assert (status, problem["code"]) == (500, "internal_error")
    assert "anna" not in json.dumps(problem)
    (entry,) = log.entries
    assert (entry["request_id"], entry["route"]) == ("R1", "DELETE /v1/things/<thing_id>")
    assert "anna@example.com" not in log.text


def test_contention_asks_to_come_again() -> None:
    with listening() as log:
        status, problem, headers = send("DELETE", "/v1/things/busy", role="org_admin")
    assert (status, problem["code"], headers["Retry-After"]) == (503, "busy", "1")
    assert [entry["level"] for entry in log.entries] == ["WARNING"]


def test_if_match_is_required_and_its_version_arrives_without_quotes() -> None:
    status, problem, _ = send("PUT", "/v1/things/t", {})
    assert (status, problem["code"]) == (428, "if_match_required")
    status, body, headers = send("PUT", "/v1/things/t", {"size": 3}, headers={"if-match": '"7"'})
    assert (status, body, headers["ETag"]) == (200, {"name": "t", "size": 3}, '"7+1"')
    assert send("PUT", "/v1/things/t", {}, headers={"if-match": "*"})[2]["ETag"] == '"None+1"'


def test_pages_go_on_where_the_last_one_ended() -> None:
    _, first, _ = send("GET", "/v1/things", query={"limit": "2"})
    assert [item["name"] for item in first["items"]] == ["n0", "n1"]
    _, second, _ = send("GET", "/v1/things", query={"limit": "3", "cursor": first["next_cursor"]})
    assert [item["name"] for item in second["items"]] == ["n2", "n3", "n4"]


@pytest.mark.parametrize("cursor", ["x", "ééé", "AAAA", "a" * 1999])
def test_a_garbled_cursor_is_refused(cursor: str) -> None:
    status, problem, _ = send("GET", "/v1/things", query={"cursor": cursor})
    assert (status, problem["code"]) == (422, "invalid_cursor")


def test_a_cursor_of_another_list_is_refused() -> None:
    _, first, _ = send("GET", "/v1/things", query={"limit": "2"})
    status, problem, _ = send("GET", "/v1/things", query={"name": "n", "cursor": first["next_cursor"]})
    assert (status, problem["code"]) == (422, "invalid_cursor")


def test_query_parameters_are_validated() -> None:
    status, problem, _ = send("GET", "/v1/things", query={"limit": "0", "nmae": "n"})
    assert (status, codes(problem)) == (422, {"/limit": "invalid_value", "/nmae": "unknown_field"})


def test_a_repeated_post_has_one_effect_and_one_answer() -> None:
    made.clear()
    headers = {"idempotency-key": "k1"}
    first = send("POST", "/v1/things", {"name": "one"}, headers=headers)
    second = send("POST", "/v1/things", {"name": "one"}, headers=headers)
    assert first[:2] == second[:2] == (201, {"name": "one", "size": 1})
    assert made == ["one"]
    status, problem, _ = send("POST", "/v1/things", {"name": "two"}, headers=headers)
    assert (status, problem["code"]) == (422, "idempotency_key_reused")


def test_a_key_under_way_is_a_conflict_and_a_refusal_gives_it_back() -> None:
    made.clear()
    headers = {"idempotency-key": "k2"}
    assert send("POST", "/v1/runs", headers=headers | {"x-fail": "1"})[0] == 404
    assert send("POST", "/v1/runs", headers=headers)[:2] == (200, {"runs": 1})
    assert send("POST", "/v1/runs", headers=headers)[:2] == (200, {"runs": 1})
    key = next(key for key, kept in answers.kept.items() if kept.body == '{"runs":1}')
    answers.kept[key] = StoredAnswer(key[1], answers.kept[key].fingerprint)
    status, problem, _ = send("POST", "/v1/runs", headers=headers)
    assert (status, problem["code"]) == (409, "idempotency_in_progress")


def test_a_call_that_takes_no_body_takes_an_empty_one() -> None:
    assert send("POST", "/v1/runs", {})[0] == 200
    status, problem, _ = send("POST", "/v1/runs", {"x": 1})
    assert (status, codes(problem)) == (422, {"/x": "unknown_field"})


def test_on_behalf_of_must_be_printable() -> None:
    assert send("POST", "/v1/runs", headers={"on-behalf-of": "user 1"})[0] == 422
