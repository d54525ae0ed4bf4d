"""Transactions: what a cancelled one means."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from carillon.adapters.dynamodb import table as module
from carillon.adapters.dynamodb.table import ConditionsFailed, Table, Write
from carillon.domain.errors import Contended

WRITES = [Write(("a#X", "-"), item={"n": 1}), Write(("a#Y", "-"), delete=True, condition="v = :v", values={"v": 1})]


class Dynamo:
    """Cancels transactions with these reasons, one list each, and then takes them."""

    def __init__(self, *cancelled: list[str]) -> None:
        self.cancelled = list(cancelled)
        self.calls = 0

    def transact_write_items(self, **call: Any) -> None:
        self.calls += 1
        assert [next(iter(item)) for item in call["TransactItems"]] == ["Put", "Delete"]
        if self.cancelled:
            reasons = [{"Code": code} for code in self.cancelled.pop(0)]
            error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise ClientError(error, "TransactWriteItems")  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0)


def transact(dynamo: Dynamo) -> int:
    Table(dynamo, "t").transact(WRITES)  # type: ignore[arg-type]
    return dynamo.calls


def test_one_that_met_another_is_tried_again() -> None:
    assert transact(Dynamo(["TransactionConflict", "None"], ["None", "ThrottlingError"])) == 3


def test_conditions_that_do_not_hold_are_named_by_their_place() -> None:
    with pytest.raises(ConditionsFailed) as refused:
        transact(Dynamo(["None", "ConditionalCheckFailed"]))
    assert refused.value.failed == (1,)


def test_one_that_keeps_meeting_others_gives_up() -> None:
    dynamo = Dynamo(*[["TransactionConflict", "None"]] * 20)
    with pytest.raises(Contended):
        transact(dynamo)
    assert dynamo.calls == module.ROUNDS


def test_one_that_can_never_succeed_is_not_tried_again() -> None:
    dynamo = Dynamo(["ValidationError", "None"])
    with pytest.raises(ClientError):
        transact(dynamo)
    assert dynamo.calls == 1
