"""Writers that really run at the same time, on a backend whose transactions are atomic: of equals exactly one wins."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from carillon.adapters.dynamodb.clients import DynamoClients
from carillon.adapters.dynamodb.idempotency import DynamoAnswers
from carillon.adapters.dynamodb.organizations import DynamoOrganizations
from carillon.adapters.dynamodb.settings import DynamoSettings
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.phones import NumberPlans
from carillon.adapters.system import RandomIds, SystemClock
from carillon.domain.clients import Consents
from carillon.domain.errors import Contended, PreconditionFailed, Refused
from carillon.domain.idempotency import Attempt, StoredAnswer
from carillon.domain.organizations import Caller
from carillon.runtime.http.repeats import answer_once
from carillon.services.clients import ClientInput, ClientKeeping, ClientQuery
from carillon.services.consents import ConsentKeeping
from carillon.services.organizations import NewOrganization, OrganizationKeeping
from carillon.services.settings import SettingsKeeping
from local import resources
from local.backend import Backend
from local.clock import SimulatedClock
from local.template import Template, load

REGION = "eu-central-1"
ROOT = Path(__file__).parents[2]
WRITERS = 12
ADMIN = Caller("aurora", "org_admin", "key-1", "live")


class Nobody:
    """No appointments at all."""

    def has_upcoming(self, org_id: str, client_id: str, now: datetime) -> bool:
        return bool(org_id == client_id == now)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    """The template's table on a backend in a process of its own, with one organization."""
    folder = tmp_path_factory.mktemp("backend")
    SimulatedClock(folder / "clock")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    backend = Backend(folder, folder / "log", folder / "clock", REGION)
    asyncio.run_coroutine_threadsafe(backend.start(), loop).result(60)
    client = boto3.client(
        "dynamodb",
        region_name=REGION,
        endpoint_url=backend.url,
        aws_access_key_id="000000000000",
        aws_secret_access_key="local",
    )
    template = Template(load(ROOT / "template.yaml"), REGION, "race", {}, backend.queue_url, backend.url)
    resources.create_tables(template, client)
    made = Table(client, template.resource("Table").name)
    keeping = OrganizationKeeping(
        DynamoOrganizations(made), DynamoAnswers(made, SystemClock()), SystemClock(), RandomIds()
    )
    keeping.create(
        NewOrganization(id="aurora", name="Aurora", time_zone="Europe/Amsterdam", locale="nl", country="NL"),
        None,
        "key",
    )
    yield made
    asyncio.run_coroutine_threadsafe(backend.stop(), loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    client.close()


def keeping(table: Table) -> ClientKeeping:
    return ClientKeeping(DynamoClients(table), Nobody(), NumberPlans(), SystemClock(), RandomIds())


def all_at_once(call: Callable[[int], Any]) -> Counter[str]:
    """Start every writer at the same moment; count what became of them."""
    start = threading.Barrier(WRITERS)

    def run(number: int) -> str:
        start.wait()
        try:
            return str(call(number))
        except Refused as error:
            return error.code
        except Contended:
            return "contended"

    with ThreadPoolExecutor(WRITERS) as pool:
        return Counter(pool.map(run, range(WRITERS)))


@pytest.mark.parametrize("round_", range(5))
def test_of_clients_with_one_phone_exactly_one_is_made(table: Table, round_: int) -> None:
    phone = f"+3161234567{round_}"

    def make(number: int) -> str:
        keeping(table).create(ADMIN, ClientInput(id=f"r{round_}-{number}", first_name="Anna", phone=phone), None)
        return "made"

    outcomes = all_at_once(make)
    assert outcomes == {"made": 1, "duplicate_client": WRITERS - 1}
    assert len(keeping(table).search("aurora", ClientQuery(phone=phone), None).items) == 1


def test_of_clients_that_move_to_one_phone_exactly_one_gets_it(table: Table) -> None:
    people = keeping(table)
    for number in range(WRITERS):
        people.create(ADMIN, ClientInput(id=f"m{number}", first_name="Ben", phone=f"+316222222{number:02}"), None)

    def move(number: int) -> str:
        stated = ClientInput(first_name="Ben", phone="+31633333333")
        return people.put(ADMIN, f"m{number}", stated)[0].phone or ""

    assert all_at_once(move) == {"+31633333333": 1, "duplicate_client": WRITERS - 1}
    assert len(people.search("aurora", ClientQuery(phone="+31633333333"), None).items) == 1


def test_of_saves_over_one_version_exactly_one_counts(table: Table) -> None:
    settings = SettingsKeeping(
        DynamoSettings(table), DynamoOrganizations(table), NumberPlans(), SystemClock(), RandomIds()
    )
    document, version = settings.read("aurora")

    def save(number: int) -> str:
        changed = replace(document, retention_days=30 + number)
        settings.save(ADMIN, ["retention_days"], lambda _: changed, version)
        return "saved"

    assert all_at_once(save) == {"saved": 1, PreconditionFailed("version_conflict", "").code: WRITERS - 1}


def test_a_repeated_call_has_one_effect_however_many_make_it_at_once(table: Table) -> None:
    answers, attempt = DynamoAnswers(table, SystemClock()), Attempt("race", "same")

    def make(_: int) -> str:
        def run() -> StoredAnswer:
            made = keeping(table).create(ADMIN, ClientInput(first_name="Racing", last_name="Repeat"), attempt)
            return attempt.answered(201, made)

        return answer_once(answers, "aurora", attempt, run, lease=False).body

    assert list(all_at_once(make).values()) == [WRITERS]
    assert len(keeping(table).search("aurora", ClientQuery(q="repeat"), None).items) == 1


def test_consents_stated_at_once_are_all_in_the_ledger_or_refused(table: Table) -> None:
    keeping(table).create(ADMIN, ClientInput(id="consenting", first_name="Cleo"), None)
    consents = ConsentKeeping(DynamoClients(table), SystemClock(), RandomIds())

    def state(number: int) -> str:
        stated = Consents(service={"sms": number % 2 == 0}, at=datetime.now(UTC).isoformat().replace("+00:00", "Z"))
        consents.state(ADMIN, "consenting", stated)
        return "stated"

    outcomes = all_at_once(state)
    found = consents.read("aurora", "consenting")
    assert set(outcomes) <= {"stated", "contended"}
    assert len(found.history) == outcomes["stated"]
    assert outcomes["stated"] >= 1
