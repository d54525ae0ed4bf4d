"""Existing clients brought to today's reminders over HTTP: counted first, whole pages at a time, safe to repeat."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from carillon.services import applying
from tests.integration.account import Aws, Response, activate, call, new_organization

pytestmark = pytest.mark.usefixtures("organization")
PATH = "/v1/settings/reminders/apply"


@pytest.fixture
def organization(aws: Aws) -> None:
    new_organization()
    activate()
    for name in ("anna", "ben", "cleo"):
        assert call("POST", "/v1/clients", {"id": name, "first_name": name}).status == 201
    assert call("POST", "/v1/clients", {"id": "never", "first_name": "N", "enrolled": False}).status == 201
    change("ben", "hour_before", enabled=True)
    save_default("day_before", when={"days_before": 2, "at": "10:00"})
    aws.calls.clear()


@pytest.fixture(autouse=True)
def one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto rolls a failed transaction back over whatever other threads wrote meanwhile; DynamoDB doesn't."""
    monkeypatch.setattr(applying, "ThreadPoolExecutor", lambda max_workers: ThreadPoolExecutor(min(max_workers, 1)))


def change(client_id: str, key: str, **fields: Any) -> None:
    reminders = call("GET", f"/v1/clients/{client_id}/preferences").body["reminders"]
    body = {"reminders": [each | fields if each["key"] == key else each for each in reminders]}
    assert call("PUT", f"/v1/clients/{client_id}/preferences", body, headers={"if-match": "*"}).status == 200


def save_default(key: str, **fields: Any) -> None:
    reminders = call("GET", "/v1/settings").body["reminders"]
    body = {"reminders": [each | fields if each["key"] == key else each for each in reminders]}
    assert call("PUT", "/v1/settings", body, headers={"if-match": "*"}).status == 200


def apply(*keys: str, **fields: Any) -> Response:
    return call("POST", PATH, {"keys": list(keys), **fields})


def reminder(client_id: str, key: str) -> dict[str, Any]:
    body = call("GET", f"/v1/clients/{client_id}/preferences").body
    return next(each for each in body["reminders"] if each["key"] == key)


def test_a_dry_run_counts_and_changes_nothing(aws: Aws) -> None:
    before = aws.items("aurora#C#")
    assert apply("day_before", dry_run=True).body == {"changed": 2, "skipped_custom": 1}
    assert aws.items("aurora#C#") == before


def test_clients_follow_for_these_keys_and_those_with_their_own_are_left_alone() -> None:
    save_default("morning_of", enabled=False)
    assert apply("day_before").body == {"changed": 2, "skipped_custom": 1}
    assert reminder("anna", "day_before")["when"] == {"days_before": 2, "at": "10:00"}
    assert reminder("anna", "morning_of")["enabled"] is True
    assert reminder("ben", "day_before")["when"] == {"days_before": 1, "at": "18:00"}
    assert apply("day_before").body == {"changed": 0, "skipped_custom": 1}


def test_those_with_their_own_are_included_on_request_and_keep_the_rest_of_it() -> None:
    assert apply("day_before", include_custom=True).body == {"changed": 3, "skipped_custom": 0}
    assert reminder("ben", "day_before")["when"] == {"days_before": 2, "at": "10:00"}
    assert reminder("ben", "hour_before")["enabled"] is True
    assert call("GET", "/v1/clients/ben/preferences").body["origin"] == "custom"
    assert apply("hour_before", include_custom=True).body == {"changed": 1, "skipped_custom": 0}
    assert call("GET", "/v1/clients/ben/preferences").body["origin"] == "defaults"


def test_a_new_reminder_of_the_organization_is_added() -> None:
    reminders = call("GET", "/v1/settings").body["reminders"]
    own = {"key": "own", "enabled": True, "when": {"before": "PT3H"}, "channels": ["sms"], "strategy": "all"}
    call("PUT", "/v1/settings", {"reminders": [*reminders, own]}, headers={"if-match": "*"})
    assert apply("own").body["changed"] == 2
    assert reminder("cleo", "own") == own


def test_many_clients_cost_three_calls_a_hundred(aws: Aws) -> None:
    for begin in (0, 60):
        people = [{"id": f"c{number}", "first_name": "C"} for number in range(begin, begin + 60)]
        assert call("POST", "/v1/clients/batch", {"items": people}).status == 200
    aws.calls.clear()
    assert apply("day_before").body["changed"] == 2
    assert sorted(aws.calls) == sorted(
        ["GetItem"] + ["Query"] * 4 + ["BatchGetItem"] * 4 + ["TransactWriteItems"] * _shards_of("anna", "cleo")
    )


def _shards_of(*clients: str) -> int:
    from carillon.adapters.dynamodb.keys import shard  # noqa: PLC0415

    return len({shard(name) for name in clients})


def test_a_client_that_changes_meanwhile_keeps_that_change(aws: Aws) -> None:
    aws.just_before("TransactWriteItems", lambda: change("anna", "review", enabled=True))
    assert apply("day_before", include_custom=True).body == {"changed": 3, "skipped_custom": 0}
    assert reminder("anna", "review")["enabled"] is True
    assert reminder("anna", "day_before")["when"] == {"days_before": 2, "at": "10:00"}


def test_when_time_runs_out_a_repeated_call_does_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as late:
        late.setattr(applying, "TIME", timedelta(0))
        assert apply("day_before").status == 503
    assert apply("day_before").body == {"changed": 2, "skipped_custom": 1}


def test_faults_and_roles() -> None:
    assert apply("nothing", "day_before", "none").faults == {
        "/keys/0": "unknown_reference",
        "/keys/2": "unknown_reference",
    }
    assert apply().faults == {"/keys": "invalid_value"}
    assert apply("day_before", always=True).faults == {"/always": "unknown_field"}
    assert call("POST", PATH, {"keys": ["day_before"]}, role="manager").status == 403


def test_the_other_data_set_is_not_touched() -> None:
    activate(mode="test")
    assert call("POST", PATH, {"keys": ["day_before"]}, mode="test").body == {"changed": 0, "skipped_custom": 0}
