"""`POST /v1/clients/batch`: as so many calls of their own, and repeated after a break without doubling anybody."""

from typing import Any

import pytest

from tests.integration.account import Aws, call, new_organization

KEY = {"idempotency-key": "import-1"}


class BreakError(Exception):
    """The process ends here."""


@pytest.fixture
def salon(aws: Aws) -> Aws:
    new_organization()
    return aws


def batch(*items: dict[str, Any], key: bool = False) -> list[dict[str, Any]]:
    answer = call("POST", "/v1/clients/batch", {"items": list(items)}, headers=KEY if key else {})
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.body["results"]
    return found


def names() -> list[str]:
    return sorted(item["first_name"] for item in call("GET", "/v1/clients", query={"limit": "100"}).body["items"])


@pytest.mark.usefixtures("salon")
def test_items_are_made_replaced_and_refused_side_by_side() -> None:
    call("PUT", "/v1/clients/anna", {"first_name": "Anna", "phone": "0612345678"})
    found = batch(
        {"id": "anna", "first_name": "Anna Maria", "phone": "0612345678"},
        {"id": "ben", "first_name": "Ben", "email": "ben@example.com"},
        {"first_name": "Cas"},
        {"id": "dora", "first_name": "Dora", "email": "BEN@example.com"},
        {"id": "eva", "first_name": "Eva", "phone": "12", "colour": "red"},
        {"id": "ben", "first_name": "Ben again"},
        {"id": "fay", "first_name": "Fay", "phone": "0612345678", "allow_shared_contact": True},
    )
    assert [each["status"] for each in found] == [200, 201, 201, 409, 422, 409, 201]
    codes = [each["problem"]["code"] for each in found if each["problem"]]
    assert codes == ["duplicate_client", "invalid_input", "duplicate_key"]
    assert {error["pointer"] for error in found[4]["problem"]["errors"]} == {"/phone", "/colour"}
    assert names() == ["Anna Maria", "Ben", "Cas", "Fay"]
    assert call("GET", f"/v1/clients/{found[2]['id']}").body["first_name"] == "Cas"


def test_a_batch_that_broke_off_is_repeated_without_doubling_anybody(
    salon: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    from carillon.services.clients import ClientKeeping  # noqa: PLC0415 - patched here only

    people = [{"first_name": f"Client {number}"} for number in range(5)]
    create = ClientKeeping.create
    broken: list[str] = []

    def breaks(self: ClientKeeping, *args: Any) -> Any:
        done = create(self, *args)
        if not broken and done.first_name == "Client 3":
            broken.append(done.id)
            raise BreakError
        return done

    monkeypatch.setattr(ClientKeeping, "create", breaks)
    assert call("POST", "/v1/clients/batch", {"items": people}, headers=KEY).status == 500
    assert len(names()) == 4
    found = batch(*people, key=True)
    assert [each["status"] for each in found] == [201] * 5
    assert found[3]["id"] == broken[0]
    assert names() == [f"Client {number}" for number in range(5)]
    salon.calls.clear()
    assert batch(*people, key=True) == found
    assert salon.calls == ["GetItem"]


@pytest.mark.usefixtures("salon")
def test_the_same_key_with_other_items_is_refused() -> None:
    batch({"first_name": "Anna"}, key=True)
    refused = call("POST", "/v1/clients/batch", {"items": [{"first_name": "Ben"}]}, headers=KEY)
    assert (refused.status, refused.code) == (422, "idempotency_key_reused")
