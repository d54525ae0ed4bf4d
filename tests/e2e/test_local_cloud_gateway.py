"""The local cloud's HTTP API behaves as API Gateway's does."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.running_cloud import RunningCloud

GOOD = {"Authorization": "Bearer good-1"}


def echo(cloud: RunningCloud, method: str, path: str, **options: Any) -> dict[str, Any]:
    response = cloud.api.request(method, path, **options)
    assert response.status_code == 200, response.text
    event: dict[str, Any] = response.json()["event"]
    return event


def test_a_request_becomes_a_version_2_event(probe_cloud: RunningCloud) -> None:
    headers = [("X-Two", "a"), ("X-Two", "b"), ("Cookie", "one=1; two=2")]
    event = echo(probe_cloud, "GET", "/open/echo?a=1&a=2&b=x%20y", headers=headers)
    assert event["version"] == "2.0"
    assert event["routeKey"] == "ANY /open/{proxy+}"
    assert event["rawPath"] == "/open/echo"
    assert event["rawQueryString"] == "a=1&a=2&b=x%20y"
    assert event["queryStringParameters"] == {"a": "1,2", "b": "x y"}
    assert event["headers"]["x-two"] == "a,b"
    assert event["cookies"] == ["one=1", "two=2"]
    assert event["pathParameters"] == {"proxy": "echo"}
    assert event["requestContext"]["http"]["method"] == "GET"
    assert event["requestContext"]["stage"] == "$default"


def test_text_bodies_stay_text_and_others_are_base64(probe_cloud: RunningCloud) -> None:
    sent = {"grüß": "Gott"}
    event = echo(probe_cloud, "POST", "/open/echo", json=sent)
    assert json.loads(event["body"]) == sent
    assert event["isBase64Encoded"] is False
    event = echo(probe_cloud, "POST", "/open/echo", data={"a": "1"})
    assert event["body"] == "YT0x"
    assert event["isBase64Encoded"] is True


def test_a_function_answers_in_either_form(probe_cloud: RunningCloud) -> None:
    plain = probe_cloud.api.get("/open/plain")
    assert plain.json() == {"hello": "world"}
    assert plain.headers["content-type"] == "application/json"
    cookies = probe_cloud.api.get("/open/cookies")
    assert cookies.status_code == 201
    assert cookies.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert cookies.text == "é"
    assert probe_cloud.api.get("/open/binary").content == b"\x00\x01\x02"


def test_a_function_that_fails_is_500_without_a_word_more(probe_cloud: RunningCloud) -> None:
    for path in ("/open/fail", "/open/exit", "/open/wrong", "/open/hang"):
        response = probe_cloud.api.get(path)
        assert response.status_code == 500, path
        assert response.json() == {"message": "Internal Server Error"}
    assert probe_cloud.api.get("/open/plain").status_code == 200


def test_unknown_paths_and_methods_are_404(probe_cloud: RunningCloud) -> None:
    for method, path in (("GET", "/nothing"), ("GET", "/open"), ("GET", "/v1/thingsy")):
        response = probe_cloud.api.request(method, path, headers=GOOD)
        assert response.status_code == 404
        assert response.json() == {"message": "Not Found"}


def test_the_most_specific_route_wins(probe_cloud: RunningCloud) -> None:
    assert echo(probe_cloud, "GET", "/v1/things", headers=GOOD)["routeKey"] == "ANY /v1/things"
    one = echo(probe_cloud, "GET", "/v1/things/7", headers=GOOD)
    assert (one["routeKey"], one["pathParameters"]) == ("GET /v1/things/{id}", {"id": "7"})
    assert echo(probe_cloud, "PUT", "/v1/things/7", headers=GOOD)["routeKey"] == "ANY /v1/things/{proxy+}"
    assert echo(probe_cloud, "GET", "/v1/things/7/x", headers=GOOD)["pathParameters"] == {"proxy": "7/x"}


def test_the_authorizer_decides_and_its_context_reaches_the_function(probe_cloud: RunningCloud) -> None:
    missing = probe_cloud.api.get("/v1/things")
    assert (missing.status_code, missing.json()) == (401, {"message": "Unauthorized"})
    denied = probe_cloud.api.get("/v1/things", headers={"Authorization": "Bearer bad"})
    assert (denied.status_code, denied.json()) == (403, {"message": "Forbidden"})
    broken = probe_cloud.api.get("/v1/things", headers={"Authorization": "Bearer broken"})
    assert (broken.status_code, broken.json()) == (500, {"message": "Internal Server Error"})
    event = echo(probe_cloud, "GET", "/v1/things", headers=GOOD)
    assert event["requestContext"]["authorizer"] == {"lambda": {"key": "good-1", "mode": "live"}}


def test_the_authorizers_answer_is_cached_for_its_ttl(probe_cloud: RunningCloud) -> None:
    headers = {"Authorization": "Bearer good-cached"}

    def asked() -> int:
        return sum(entry["text"] == "good-cached" for entry in probe_cloud.seen("authorizer"))

    for _ in range(3):
        echo(probe_cloud, "GET", "/v1/things", headers=headers)
    assert asked() == 1
    probe_cloud.advance("PT61S")
    echo(probe_cloud, "GET", "/v1/things", headers=headers)
    assert asked() == 2


def test_a_body_over_10_mb_is_413(probe_cloud: RunningCloud) -> None:
    response = probe_cloud.api.post("/open/echo", content=b"x" * (10 * 1024 * 1024 + 1))
    assert response.status_code == 413


def test_a_function_sees_exactly_its_own_environment(probe_cloud: RunningCloud) -> None:
    environment = probe_cloud.api.get("/open/environment").json()
    assert environment["PUBLIC_BASE_URL"] == probe_cloud.facts["api_url"]
    assert environment["TABLE_NAME"] == "carillon-Table"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "carillon-Door"
    assert "HOME" not in environment
    assert "LOCAL_DIR" not in environment


def test_the_deployments_secret_holds_the_local_twilio_account(probe_cloud: RunningCloud) -> None:
    secret = probe_cloud.api.get("/open/secret").json()
    assert secret["twilio_account_sid"].startswith("AC")
    assert len(secret["signing_key"]) == 32
