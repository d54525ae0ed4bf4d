"""Reading whatever a use case needs in one batch."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.domain import codec
from carillon.domain.rules import Rules, default_rules, saved
from carillon.ports.reading import Want
from carillon.ports.records import RecordChange
from tests.builders import NOW, REF, START, client, message, organization, record, settings, staff
from tests.tables import CountingTable, table_on_moto


@pytest.fixture(scope="module")
def table() -> Iterator[CountingTable]:
    """Two organizations with the same ids in them; only the second has rules of its own."""
    with table_on_moto() as made:
        for o, name in (("one", "Anna"), ("two", "Bob")):
            documents = {
                keys.organization(o): organization(id=o),
                keys.settings(o): settings(name=name),
                keys.client(o, "c1"): client("c1", first_name=name),
                keys.staff(o, "s1"): staff("s1", name=name),
                keys.staff(o, "s2"): staff("s2", name=name),
            }
            made.put_many([(key, {"doc": codec.dumps(document)}) for key, document in documents.items()])
            DynamoRecords(made).save(o, RecordChange(record(), 0, 0, (), START))
            DynamoMessages(made).create(o, message(to=f"{name}@example.com"), retention_days=90)
        silent = Rules(rules=[replace(rule, channels={}) for rule in default_rules().rules])
        made.put_many([(keys.rules("two"), {"doc": codec.dumps(saved(silent))})])
        yield made


@pytest.fixture
def reader(table: CountingTable) -> DynamoReader:
    table.calls.clear()
    return DynamoReader(table)


def test_everything_wanted_is_read_in_one_call(reader: DynamoReader, table: CountingTable) -> None:
    key = message().key
    want = Want("one", record=REF, clients=("c1",), staff=("s1",), rules=True, messages=(key,))
    (snapshot,) = reader.read([want])
    assert table.calls == ["BatchGetItem"]
    assert (snapshot.organization, snapshot.settings) == (organization(id="one"), settings(name="Anna"))
    assert (snapshot.clients["c1"].first_name, snapshot.staff["s1"].name) == ("Anna", "Anna")
    assert snapshot.record is not None
    assert (snapshot.record.ref, snapshot.record.created_at) == (REF, NOW)
    assert snapshot.messages[key].to == "Anna@example.com"


def test_several_wants_are_read_together_and_kept_apart(reader: DynamoReader, table: CountingTable) -> None:
    want = Want("one", record=REF, clients=("c1",))
    one, two, again = reader.read([want, Want("two", record=REF, clients=("c1",)), want])
    assert table.calls == ["BatchGetItem"]
    assert (one.clients["c1"].first_name, two.clients["c1"].first_name) == ("Anna", "Bob")
    assert one == again


def test_rules_are_the_defaults_until_an_organization_has_its_own(reader: DynamoReader) -> None:
    one, two = reader.read([Want("one", rules=True), Want("two", rules=True)])
    assert (one.rules.rules, one.rules.level) == (default_rules(), "builtin")
    assert two.rules.level == "organization"
    assert not any(rule.enabled_channels for rule in two.rules.rules.rules)


def test_what_does_not_exist_is_missing(reader: DynamoReader) -> None:
    want = Want("none", record=REF, clients=("c1",), staff=("s1",), messages=(message().key,))
    (snapshot,) = reader.read([want])
    assert (snapshot.organization, snapshot.settings, snapshot.record) == (None, None, None)
    assert (snapshot.clients, snapshot.staff, snapshot.messages) == ({}, {}, {})


def test_nothing_wanted_is_no_call(reader: DynamoReader, table: CountingTable) -> None:
    assert reader.read([]) == []
    assert table.calls == []


def test_all_staff_are_those_of_the_organization(reader: DynamoReader) -> None:
    assert {staff_id: member.name for staff_id, member in reader.all_staff("two").items()} == {"s1": "Bob", "s2": "Bob"}
    assert reader.all_staff("none") == {}
