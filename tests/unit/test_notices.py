"""Notices: one place for each, in the organization's language, and states that change once."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from carillon.adapters.dynamodb.channel_states import DynamoChannelStates
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.organizations import DynamoOrganizations
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.rendering.notices import write_notice
from carillon.adapters.rendering.renderer import TemplateRenderer
from carillon.domain.channel_states import ChannelState, paused, probed, resumed
from carillon.domain.notices import Notice, notice_message, recheck_notice
from carillon.domain.settings import Notified
from carillon.domain.times import parse_instant
from carillon.ports.directory import NewTenant, Stored
from carillon.ports.pauses import ChannelStates
from carillon.ports.reading import Reader, Want
from tests.builders import ID, NOW, ORG, organization, settings
from tests.fake_messages import MemoryChannelStates
from tests.fakes import Account, MemoryReader
from tests.tables import CountingTable, table_on_moto

NOTICE = Notice("channel_paused", "whatsapp", NOW)
ACTIVE = ChannelState(status="active", sender="+31201234567")
PAUSED = paused(ACTIVE, NOW, "63007")
TOLD = settings(manager=Notified(email="boss@example.com"))
OWNER = organization(channels={"whatsapp": ACTIVE})


@pytest.fixture(scope="module")
def table() -> Iterator[CountingTable]:
    with table_on_moto() as made:
        organizations = DynamoOrganizations(made)
        assert organizations.create(NewTenant((OWNER,), (TOLD,), ()), NOW, None)
        yield made


@pytest.fixture(params=["table", "memory"])
def stores(request: pytest.FixtureRequest, table: CountingTable) -> tuple[ChannelStates, Reader]:
    if request.param == "memory":
        account = Account(organizations={ORG: OWNER}, settings={ORG: TOLD})
        return MemoryChannelStates(account), MemoryReader(account)
    return DynamoChannelStates(table), DynamoReader(table)


def test_a_state_changes_once_with_its_notice_and_nothing_else_of_the_organization(
    stores: tuple[ChannelStates, Reader],
) -> None:
    states, reader = stores
    notice = notice_message(ORG, NOTICE, OWNER, TOLD, NOW, ID)
    assert states.change(ORG, "whatsapp", ACTIVE, PAUSED, notice=notice)
    assert not states.change(ORG, "whatsapp", ACTIVE, PAUSED, notice=replace(notice, id="other"))
    read = reader.read([Want(ORG, messages=(notice.key,))])[0]
    assert read.organization == organization(channels={"whatsapp": PAUSED})
    assert read.messages == {notice.key: notice}
    # A notice that is there already does not keep the state from changing.
    assert states.change(ORG, "whatsapp", PAUSED, probed(PAUSED, NOW), notice=notice)
    assert states.change(ORG, "whatsapp", probed(PAUSED, NOW), ACTIVE)
    assert not states.change(ORG, "sms", ACTIVE, PAUSED)


def test_a_pause_has_no_appointment_planned_anew(table: CountingTable) -> None:
    states, organizations = DynamoChannelStates(table), DynamoOrganizations(table)
    (before,) = organizations.load(ORG)
    assert states.change(ORG, "whatsapp", ACTIVE, PAUSED)
    (after,) = organizations.load(ORG)
    assert after.version == before.version
    assert states.change(ORG, "whatsapp", PAUSED, resumed(PAUSED))
    assert organizations.load(ORG) == [Stored(OWNER, before.version)]


def test_the_same_pause_is_one_notice_and_another_one_is_another() -> None:
    first = notice_message(ORG, NOTICE, OWNER, TOLD, NOW, ID)
    again = notice_message(ORG, NOTICE, OWNER, TOLD, NOW, "other")
    later = notice_message(ORG, replace(NOTICE, since=parse_instant("2026-11-24T09:00:00Z")), OWNER, TOLD, NOW, ID)
    assert first.key == again.key
    assert len({first.key, later.key, notice_message(ORG, replace(NOTICE, about="sms"), OWNER, TOLD, NOW, ID).key}) == 3
    assert Notice.read(str(NOTICE)) == NOTICE


def test_a_notice_comes_back_from_the_table_as_it_was_stored(table: CountingTable) -> None:
    notice = notice_message(f"{ORG}2", NOTICE, OWNER, TOLD, NOW, ID)
    assert DynamoMessages(table).create(f"{ORG}2", notice, retention_days=90)
    assert DynamoReader(table).read([Want(f"{ORG}2", messages=(notice.key,))])[0].messages == {notice.key: notice}


def test_a_notice_goes_to_the_address_of_now_or_not_at_all() -> None:
    notice = notice_message(ORG, NOTICE, OWNER, TOLD, NOW, ID)
    moved = settings(manager=Notified(email="new@example.com"))
    assert recheck_notice(notice, OWNER, moved, NOW).address == "new@example.com"
    for state, said, now, reason in (
        (organization(active=False), TOLD, NOW, "notifications_inactive"),
        (OWNER, settings(), NOW, "no_address"),
        (OWNER, TOLD, notice.deadline, "too_late"),
        (None, None, NOW, "superseded"),
    ):
        assert recheck_notice(notice, state, said, now).reason == reason


@pytest.mark.parametrize("locale", ["en", "nl", "pl", "fr", "pt-BR"])
def test_a_notice_is_written_in_each_language_with_channel_sender_and_code(locale: str) -> None:
    state = organization(channels={"whatsapp": PAUSED})
    own, written, values = write_notice(NOTICE, state, settings(locale=locale), NOW)
    rendered = TemplateRenderer().render(
        key="notice.channel_paused", audience="manager", channel="email", locale=written, values=values, own=own
    )
    assert rendered.subject is not None
    assert "WhatsApp" in rendered.subject
    for part in ("WhatsApp", "+31201234567", "63007", "10:00"):
        assert part in rendered.text
    assert "{" not in rendered.text
    assert "$" not in rendered.text
    # The sender was set up anew meanwhile: nothing is named that holds no longer.
    _, _, values = write_notice(NOTICE, organization(), settings(locale=locale), NOW)
    assert (values["notice"]["sender"], values["notice"]["code"]) == (None, None)
