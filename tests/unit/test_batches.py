"""Batches at the doors: each item stands by itself, and has a key of its own when the batch has one."""

from typing import Any

import pytest

from carillon.domain.codec import to_data
from carillon.domain.errors import Conflict, Contended, Fault, Invalid
from carillon.domain.idempotency import Attempt
from carillon.runtime.http import Draft, batches


def done(place: int, item: dict[str, Any]) -> batches.Done:
    match item.get("do"):
        case "refuse":
            raise Conflict("duplicate_client", "client 'x' has this phone")
        case "fault":
            raise Invalid([Fault("/phone", "invalid_value", "is no phone number")])
        case "contend":
            raise Contended("others")
    return item.get("id", f"made-{place}"), 200


def run(*items: Any, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = to_data(batches.run(Draft(dict, {"items": list(items)} | more), done))["results"]
    return found


def test_each_item_has_its_own_result_in_the_order_of_the_items() -> None:
    found = run({"id": "a"}, {"id": "b", "do": "refuse"}, {"do": "fault"}, "text", {"id": "c", "do": "contend"}, {})
    assert [(each["id"], each["status"]) for each in found] == [
        ("a", 200),
        ("b", 409),
        (None, 422),
        (None, 422),
        ("c", 503),
        ("made-5", 200),
    ]
    assert found[1]["problem"]["code"] == "duplicate_client"
    assert found[2]["problem"]["errors"] == [
        {"pointer": "/phone", "code": "invalid_value", "message": "is no phone number"}
    ]
    assert found[4]["problem"]["code"] == "busy"
    assert found[5]["problem"] is None


def test_an_id_that_stands_twice_is_done_once() -> None:
    found = run({"id": "a"}, {"id": "a"}, {"id": "b"})
    assert [(each["status"], (each["problem"] or {}).get("code")) for each in found] == [
        (200, None),
        (409, "duplicate_key"),
        (200, None),
    ]


@pytest.mark.parametrize("items", [None, [], {}, "x", [{}] * 101])
def test_what_is_no_list_of_1_to_100_is_refused_as_a_whole(items: Any) -> None:
    with pytest.raises(Invalid) as refused:
        batches.run(Draft(dict, {"items": items}), done)
    assert [fault.pointer for fault in refused.value.faults] == ["/items"]


def test_an_unknown_field_beside_the_items_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        run({}, item=1)
    assert [fault.pointer for fault in refused.value.faults] == ["/item"]


def test_items_have_keys_of_their_own_that_are_the_same_each_time() -> None:
    whole = Attempt("key", "print")
    keys = [batches.attempt_of(whole, place) for place in (0, 1, 0)]
    assert keys[0] == keys[2]
    assert len({each.key for each in keys if each is not None} | {whole.key}) == 3
    assert batches.attempt_of(None, 0) is None
