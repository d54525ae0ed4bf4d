"""The thin layer over DynamoDB: conditions are answers, batches are complete, transactions say what failed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from carillon.adapters.dynamodb import items, keys
from carillon.adapters.dynamodb import table as table_module
from carillon.adapters.dynamodb.table import BATCH_GET, BATCH_WRITE, ROUNDS, ConditionsFailed, Table, Write
from carillon.domain.errors import Contended

KEY = ("o#R#appointments:1", "-")


def error(code: str, *reasons: str) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": code}}
    if reasons:
        response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(response, "Operation")


class PlayedDynamo:
    """Keeps calls; each operation gives its scripted answers in turn, then an empty one."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.script: list[Any] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls.append((name, arguments))
            answer = self.script.pop(0) if self.script else {}
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def table(self) -> Table:
        return Table(self, "table")  # type: ignore[arg-type]


@pytest.fixture
def dynamo(monkeypatch: pytest.MonkeyPatch) -> PlayedDynamo:
    monkeypatch.setattr(table_module, "_pause", lambda _: None)
    return PlayedDynamo()


values = st.recursive(
    st.one_of(st.text(max_size=5), st.integers(-(10**20), 10**20), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=4), values, max_size=5))
def test_an_item_survives_the_wire_but_for_its_empty_attributes(item: dict[str, Any]) -> None:
    expected = {name: value for name, value in item.items() if value is not None}
    assert items.item_from_wire(items.item_to_wire(item)) == expected


@pytest.mark.parametrize("value", [1.5, b"x", {1, 2}, datetime(2026, 1, 1, tzinfo=UTC)])
def test_what_is_not_stored_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="not stored"):
        items.to_wire(value)


def test_a_wire_type_that_is_not_stored_is_refused() -> None:
    with pytest.raises(TypeError, match="not stored"):
        items.from_wire({"B": b"x"})


def test_one_item_is_read_strongly(dynamo: PlayedDynamo) -> None:
    dynamo.script = [{"Item": {"pk": {"S": "a"}, "v": {"N": "3"}}}, {}]
    assert dynamo.table().get(KEY) == {"pk": "a", "v": 3}
    assert dynamo.calls[0][1]["ConsistentRead"] is True
    assert dynamo.table().get(KEY) is None


def wire(key: tuple[str, str]) -> dict[str, Any]:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def test_many_are_read_in_one_call_each_once(dynamo: PlayedDynamo) -> None:
    wanted = [("a", "1"), ("b", "2"), ("a", "1")]
    dynamo.script = [{"Responses": {"table": [wire(("b", "2"))]}}]
    assert dynamo.table().get_many(wanted) == {("b", "2"): {"pk": "b", "sk": "2"}}
    assert [call["RequestItems"]["table"]["Keys"] for _, call in dynamo.calls] == [[wire(("a", "1")), wire(("b", "2"))]]


def test_nothing_wanted_is_no_call(dynamo: PlayedDynamo) -> None:
    assert dynamo.table().get_many([]) == {}
    dynamo.table().put_many([])
    assert dynamo.calls == []


def test_a_hundred_keys_fit_a_call(dynamo: PlayedDynamo) -> None:
    dynamo.script = [{"Responses": {}}] * 3
    dynamo.table().get_many((str(number), "-") for number in range(2 * BATCH_GET + 1))
    assert [len(call["RequestItems"]["table"]["Keys"]) for _, call in dynamo.calls] == [BATCH_GET, BATCH_GET, 1]


def test_keys_that_were_left_unread_are_asked_for_again(dynamo: PlayedDynamo) -> None:
    left = {"table": {"Keys": [wire(("b", "2"))], "ConsistentRead": True}}
    dynamo.script = [
        {"Responses": {"table": [wire(("a", "1"))]}, "UnprocessedKeys": left},
        {"Responses": {"table": [wire(("b", "2"))]}},
    ]
    assert set(dynamo.table().get_many([("a", "1"), ("b", "2")])) == {("a", "1"), ("b", "2")}
    assert dynamo.calls[1][1]["RequestItems"] == left


def test_a_batch_that_stays_unread_or_unwritten_is_an_error(dynamo: PlayedDynamo) -> None:
    left = {"table": {"Keys": [wire(KEY)]}}
    dynamo.script = [{"Responses": {}, "UnprocessedKeys": left}] * ROUNDS
    with pytest.raises(Contended):
        dynamo.table().get_many([KEY])
    dynamo.script = [{"UnprocessedItems": {"table": [{}]}}] * ROUNDS
    with pytest.raises(Contended):
        dynamo.table().put_many([(KEY, {"v": 1})])


def test_items_are_put_25_a_call(dynamo: PlayedDynamo) -> None:
    dynamo.table().put_many([((str(number), "-"), {"v": number}) for number in range(BATCH_WRITE + 1)])
    assert [len(call["RequestItems"]["table"]) for _, call in dynamo.calls] == [BATCH_WRITE, 1]
    assert dynamo.calls[1][1]["RequestItems"]["table"][0] == {
        "PutRequest": {"Item": {"pk": {"S": "25"}, "sk": {"S": "-"}, "v": {"N": "25"}}}
    }


@pytest.mark.parametrize(
    ("write", "operation"),
    [
        (Write(KEY, item={"v": 1}), "put_item"),
        (Write(KEY, update="SET v = :v", values={"v": 1}), "update_item"),
        (Write(KEY, delete=True), "delete_item"),
    ],
)
def test_a_condition_that_does_not_hold_is_an_answer(dynamo: PlayedDynamo, write: Write, operation: str) -> None:
    dynamo.script = [{}, error("ConditionalCheckFailedException")]
    assert [dynamo.table().write(write), dynamo.table().write(write)] == [True, False]
    assert [name for name, _ in dynamo.calls] == [operation] * 2


def test_any_other_refusal_is_raised(dynamo: PlayedDynamo) -> None:
    for code in ("ValidationException", "ProvisionedThroughputExceededException", "ResourceNotFoundException"):
        dynamo.script = [error(code)]
        with pytest.raises(ClientError):
            dynamo.table().write(Write(KEY, delete=True))
        dynamo.script = [error(code)]
        with pytest.raises(ClientError):
            dynamo.table().transact([Write(KEY, delete=True)])


def test_a_write_waits_for_transactions_that_hold_its_item(dynamo: PlayedDynamo) -> None:
    dynamo.script = [error("TransactionConflictException")] * 2
    assert dynamo.table().write(Write(KEY, delete=True))
    dynamo.script = [error("TransactionConflictException")] * ROUNDS
    with pytest.raises(Contended):
        dynamo.table().write(Write(KEY, delete=True))


def test_placeholders_are_spelt_as_dynamodb_wants_them(dynamo: PlayedDynamo) -> None:
    dynamo.table().write(Write(KEY, update="SET #v = :v", condition="#v < :v", values={"v": True}, names={"v": "v"}))
    assert dynamo.calls == [
        (
            "update_item",
            {
                "TableName": "table",
                "Key": wire(KEY),
                "UpdateExpression": "SET #v = :v",
                "ConditionExpression": "#v < :v",
                "ExpressionAttributeValues": {":v": {"BOOL": True}},
                "ExpressionAttributeNames": {"#v": "v"},
            },
        )
    ]


WRITES = [Write(KEY, item={"v": 1}), Write(KEY, condition="attribute_exists(pk)"), Write(KEY, delete=True)]


def test_a_transaction_has_all_its_writes(dynamo: PlayedDynamo) -> None:
    dynamo.table().transact(WRITES, token="t" * 36)
    ((_, call),) = dynamo.calls
    assert [next(iter(part)) for part in call["TransactItems"]] == ["Put", "ConditionCheck", "Delete"]
    assert call["ClientRequestToken"] == "t" * 36


def test_a_transaction_says_which_conditions_failed(dynamo: PlayedDynamo) -> None:
    dynamo.script = [error("TransactionCanceledException", "None", "ConditionalCheckFailed", "ConditionalCheckFailed")]
    with pytest.raises(ConditionsFailed) as failed:
        dynamo.table().transact(WRITES)
    assert failed.value.failed == (1, 2)


def test_a_transaction_that_met_another_is_tried_again(dynamo: PlayedDynamo) -> None:
    conflict = error("TransactionCanceledException", "None", "TransactionConflict", "None")
    dynamo.script = [conflict, conflict]
    dynamo.table().transact(WRITES)
    assert len(dynamo.calls) == 3
    dynamo.script = [conflict] * ROUNDS
    with pytest.raises(Contended):
        dynamo.table().transact(WRITES)


def test_a_transaction_that_can_never_succeed_is_not_tried_again(dynamo: PlayedDynamo) -> None:
    dynamo.script = [error("TransactionCanceledException", "ValidationError", "None", "None")]
    with pytest.raises(ClientError):
        dynamo.table().transact(WRITES)
    assert len(dynamo.calls) == 1


@pytest.mark.parametrize(
    ("how", "condition", "extra"),
    [
        ({}, "pk = :pk", {}),
        ({"index": "gsi2"}, "pk2 = :pk", {"IndexName": "gsi2"}),
        ({"prefix": "M#"}, "pk = :pk AND begins_with(sk, :p)", {}),
        ({"index": "gsi1", "between": ("a", "b")}, "pk1 = :pk AND sk1 BETWEEN :a AND :b", {"IndexName": "gsi1"}),
        ({"limit": 5, "descending": True}, "pk = :pk", {"Limit": 5, "ScanIndexForward": False}),
        ({"after": {"pk": "x"}}, "pk = :pk", {"ExclusiveStartKey": {"pk": {"S": "x"}}}),
    ],
)
def test_a_query_reads_one_partition(
    dynamo: PlayedDynamo, how: dict[str, Any], condition: str, extra: dict[str, Any]
) -> None:
    dynamo.script = [{"Items": [wire(KEY)], "LastEvaluatedKey": wire(KEY)}]
    page = dynamo.table().query("p", **how)
    assert page.items == [{"pk": KEY[0], "sk": KEY[1]}]
    assert page.last == {"pk": KEY[0], "sk": KEY[1]}
    ((name, call),) = dynamo.calls
    assert (name, call["KeyConditionExpression"]) == ("query", condition)
    assert extra.items() <= call.items()


def test_the_last_page_has_no_next(dynamo: PlayedDynamo) -> None:
    dynamo.script = [{"Items": []}]
    assert dynamo.table().query("p").last is None


AT = datetime(2026, 12, 1, 13, 30, tzinfo=UTC)
ALL_KEYS: list[tuple[str, Callable[[str], Any]]] = [
    ("organization", keys.organization),
    ("settings", keys.settings),
    ("rules", keys.rules),
    ("template", lambda o: keys.template(o, "k", "client", "email", "nl")),
    ("audit", lambda o: keys.audit(o, "202611", "01A")),
    ("api key", lambda o: keys.api_key(o, "k")),
    ("idempotency", lambda o: keys.idempotency(o, "d")),
    ("client", lambda o: keys.client(o, "c")),
    ("consent", lambda o: keys.consent_entry(o, "c", "01A")),
    ("phone", lambda o: keys.phone_guard(o, "+31")),
    ("e-mail", lambda o: keys.email_guard(o, "a@b")),
    ("contact", lambda o: keys.contact_lookup(keys.phone_guard(o, "+31"), "c")),
    ("name", lambda o: keys.name_word(o, "anna", "c")),
    ("staff", lambda o: keys.staff(o, "s")),
    ("record", lambda o: keys.record(o, "appointments/1")),
    ("client's records", lambda o: (keys.client_records(o, "c"), "")),
    ("day's records", lambda o: (keys.day_records(o, "2026-12-01"), "")),
    ("due", lambda o: keys.due_row(o, AT, "appointments/1", "k", 1)),
    ("message", lambda o: keys.message(o, "c:1", "d")),
    ("day's messages", lambda o: (keys.day_messages(o, "2026-12-01"), "")),
    ("problems", lambda o: (keys.problem_messages(o, "failed"), "")),
    ("clients", lambda o: (keys.client_list(o, 0), "")),
]


@pytest.mark.parametrize(("name", "make"), ALL_KEYS, ids=[name for name, _ in ALL_KEYS])
def test_every_key_begins_with_its_data_set(name: str, make: Callable[[str], Any]) -> None:
    assert name
    for o in ("aurora", "aurora~test"):
        assert make(o)[0].startswith(f"{o}#")
    assert make("aurora")[0] != make("aurora~test")[0]


def test_no_two_kinds_of_item_share_a_key() -> None:
    made = [make("o") for _, make in ALL_KEYS]
    assert len(set(made)) == len(made)


def test_a_reminder_lies_under_the_day_it_is_due_in_utc() -> None:
    assert keys.due_row("o", AT, "appointments/1", "k", 2) == (
        "o#D#2026-12-01#0",
        "2026-12-01T13:30:00Z#appointments/1#k#2",
    )


def test_shards_spread_and_stay() -> None:
    assert {keys.shard(str(number)) for number in range(100)} == set(range(keys.SHARDS))
    assert keys.shard("anna") == keys.shard("anna")
