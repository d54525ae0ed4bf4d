"""Quotas told of: the notices' texts, who is told and once, days counted, and built-in SMS within their bound."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.adapters.rendering.notices import write_notice
from carillon.adapters.rendering.previewing import sample
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.domain.ids import ulid
from carillon.domain.messages import Message
from carillon.domain.notices import Kind, Notice
from carillon.domain.own_texts import built_in_places
from carillon.domain.quota import BUILT_IN_PARTS, Credit, DayUse
from carillon.domain.settings import Notified
from carillon.domain.sms import measure
from carillon.ports.messages import Claim, Moved
from carillon.runtime.stream import QuotaCrossed, woken
from carillon.services.quota_days import SETTLED_AFTER, QuotaDays
from carillon.services.telling import Telling
from tests.builders import NOW, ORG, message, organization, reminder_occasion, settings
from tests.doubles import CountingIds, MemoryQueues, SetClock
from tests.fake_messages import MemoryMessages
from tests.fakes import Account, MemoryReader
from tests.faults import Died, Failed, Line, lines
from tests.memory_table import MemoryTable

KINDS: tuple[Kind, ...] = ("quota_low", "quota_exhausted")


@pytest.mark.parametrize("locale", ["en", "nl", "pl", "fr", "pt-BR"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_notice_names_the_channel_and_since_when(kind: Kind, locale: str) -> None:
    about = Notice(kind, "whatsapp", NOW)
    own, written, values = write_notice(about, organization(), settings(locale=locale), NOW)
    rendered = TemplateRenderer().render(
        key=about.template, audience="manager", channel="email", locale=written, values=values, own=own
    )
    assert rendered.subject is not None
    assert "WhatsApp" in rendered.subject
    assert "WhatsApp" in rendered.text
    assert "10:00" in rendered.text
    assert ("80 %" in rendered.text) == (kind == "quota_low")
    assert "{" not in rendered.text


@pytest.mark.parametrize("place", [each for each in built_in_places() if each.channel == "sms"], ids=str)
def test_a_built_in_sms_with_usual_values_keeps_to_what_is_set_aside(place: Any) -> None:
    rendered = TemplateRenderer().render(
        key=place.key,
        audience=place.audience,
        channel="sms",
        locale=place.locale,
        values=sample(place, settings(locale=place.locale)),
        own=None,
    )
    assert 1 <= measure(rendered.text).parts <= BUILT_IN_PARTS


def test_a_crossing_comes_out_of_the_stream() -> None:
    image = {
        "pk": {"S": f"{ORG}#Q#sms"},
        "sk": {"S": "X#2026-11-23T09:00:00Z#quota_low"},
        "ty": {"S": "quota_event"},
        "kind": {"S": "quota_low"},
        "b": {"S": "sms"},
        "at": {"S": "2026-11-23T09:00:00Z"},
        "left": {"N": "2"},
    }
    assert woken({"NewImage": image}) == QuotaCrossed(ORG, "quota_low", "sms", "2026-11-23T09:00:00Z")


def told(line: Line) -> tuple[Account, MemoryQueues]:
    account = Account(
        organizations={ORG: organization(metering={"email": 0})},
        settings={ORG: settings(manager=Notified(email="boss@example.com"))},
    )
    queues = MemoryQueues()
    telling = Telling(
        line.watch(MemoryReader(account)),
        line.watch(MemoryMessages(account)),
        line.watch(queues),
        SetClock(NOW),
        CountingIds(),
    )
    for _ in range(3):
        try:
            telling.tell(ORG, Notice("quota_exhausted", "email", NOW))
        except (Died, Failed):
            continue
        break
    return account, queues


def test_the_manager_is_told_once_by_mail_that_takes_no_units_whoever_dies() -> None:
    whole = Line()
    told(whole)
    for line in lines(len(whole.calls)):
        account, queues = told(line)
        (notice,) = account.found(ORG)
        assert (notice.channel, notice.to, notice.units) == ("email", "boss@example.com", 0), line
        assert {ready.key for ready in queues.ready} == {notice.key}, line


def test_nobody_is_told_of_an_organization_that_is_gone() -> None:
    account = Account(organizations={ORG: organization(deleted=True)}, settings={ORG: settings()})
    telling = Telling(MemoryReader(account), MemoryMessages(account), MemoryQueues(), SetClock(NOW), CountingIds())
    assert not telling.tell(ORG, Notice("quota_low", "sms", NOW))
    assert account.found(ORG) == []


class Ledger:
    """A metered organization of yesterday's messages, and what counts its days, breaking where a line says."""

    def __init__(self, line: Line | None = None) -> None:
        table = MemoryTable()
        self.quota, self.store = DynamoQuota(table), DynamoMessages(table)
        self.account = Account(organizations={ORG: replace(organization(metering={"sms": 0}), ledgers=["sms"])})
        self.queues, self.clock = MemoryQueues(), SetClock(NOW)
        self.quota.credit(ORG, "sms", Credit("k", ulid(NOW, bytes(10)), 20, "x", NOW))
        self.line = line or Line()

    def days(self) -> QuotaDays:
        line = self.line
        messages: Any = line.watch(MemoryMessages(self.account))
        return QuotaDays(
            line.watch(self.quota), messages, MemoryReader(self.account), line.watch(self.queues), self.clock
        )

    def put(self, number: int, status: str) -> Message:
        """Bring a message of two units into a status, in the table's books and in what is listed."""
        made = message(reminder_occasion(start=NOW + timedelta(hours=number)), "sms", units=2, created_at=NOW)
        made = replace(made, id=ulid(NOW, number.to_bytes(10)), timeline=((NOW, "queued", None),))
        self.store.create(ORG, made, retention_days=90)
        held = replace(made, shard=0)
        if status in ("sent", "unknown"):
            self.store.claim(ORG, held, Claim("me", NOW, "to", 1))
            self.store.finish(ORG, held, Moved(status, NOW), owner="me")
        self.account.messages[ORG, made.key] = replace(held, status=status, timeline=((NOW, status, None),))  # type: ignore[arg-type]
        return held

    def run(self) -> None:
        """Sweep, and do the jobs it asks for, each until it comes through."""
        jobs: list[Mapping[str, Any]] = []
        for _ in range(5):
            try:
                self.days().run(ORG)
                jobs, self.queues.jobs = [*jobs, *self.queues.jobs], []
                for job in jobs:
                    self.days().count(ORG, job["bucket"], job["day"], dict(job))
            except (Died, Failed):
                continue
            if not self.queues.jobs:
                return


def test_a_day_is_closed_once_all_of_it_is_settled_and_the_ledger_adds_up() -> None:
    scene = Ledger()
    scene.put(0, "sent")
    unknown = scene.put(1, "unknown")
    scene.clock.advance(days=2)
    scene.run()
    assert [(day.day, day.units, day.closed) for day in scene.quota.days(ORG, "sms", "2026-11-01", "2026-12-31")] == [
        ("2026-11-23", 4, False),
        ("2026-11-24", 0, False),
    ]
    scene.clock.advance(days=SETTLED_AFTER.days)
    scene.run()
    # What stayed unknown was flagged in the table; here it has to be said.
    assert scene.quota.books(ORG, "sms").opened == "2026-11-23"
    scene.account.messages[ORG, unknown.key] = replace(scene.account.messages[ORG, unknown.key], assumed=True)
    scene.run()
    books = scene.quota.books(ORG, "sms")
    rows = scene.quota.ledger(ORG, ["sms"], limit=10, position=None).items
    assert sum(row.units for row in rows) == books.left == 16
    assert books.closed == books.used == 4


def test_on_its_first_day_there_is_nothing_to_count() -> None:
    scene = Ledger()
    scene.put(0, "sent")
    scene.run()
    assert (scene.queues.jobs, scene.quota.books(ORG, "sms").opened) == ([], "2026-11-23")


def test_a_day_with_something_on_its_way_stays_open() -> None:
    scene = Ledger()
    scene.put(0, "queued")
    scene.clock.advance(days=SETTLED_AFTER.days + 2)
    scene.run()
    assert scene.quota.books(ORG, "sms").opened == "2026-11-23"
    assert [row.kind for row in scene.quota.ledger(ORG, ["sms"], limit=10, position=None).items] == ["credit"]


def test_whoever_dies_while_days_are_counted_each_is_in_the_ledger_once() -> None:
    def play(line: Line) -> Ledger:
        scene = Ledger(line)
        scene.put(0, "sent")
        for number in range(1, SETTLED_AFTER.days):
            day = (NOW + timedelta(days=number)).date().isoformat()
            scene.quota.count(ORG, DayUse(day, "sms", 0, 0, closed=False))
        scene.clock.advance(days=SETTLED_AFTER.days)
        scene.run()
        return scene

    whole = Line()
    play(whole)
    tried = 0
    for line in lines(len(whole.calls)):
        scene = play(line)
        scene.line = Line()
        scene.run()
        rows = scene.quota.ledger(ORG, ["sms"], limit=10, position=None).items
        assert [(row.kind, row.units) for row in rows] == [("day", -2), ("credit", 20)], line
        tried += 1
    assert tried >= 4 * 6


def test_what_was_never_metered_costs_one_read_and_test_data_none() -> None:
    account, line = (
        Account(organizations={ORG: organization(), f"{ORG}~test": organization(metering={"sms": 1})}),
        Line(),
    )
    days = QuotaDays(
        line.watch(DynamoQuota(MemoryTable())),
        line.watch(MemoryMessages(account)),
        line.watch(MemoryReader(account)),
        MemoryQueues(),
        SetClock(NOW),
    )
    days.run(ORG)
    days.run(f"{ORG}~test")
    assert line.calls == ["read"]
