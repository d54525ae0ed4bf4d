"""Connecting, checking and giving up a sender, broken at each call to the outside in every way, and then repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import ALL, Channel
from carillon.domain.errors import NotFound
from carillon.domain.organizations import Caller, Organization
from carillon.domain.own_channels import OwnSender, StoredChannel, WhatsappSender
from carillon.domain.settings import MessageMode, Settings
from carillon.ports.channels import ChannelAdmin, ChannelChange, ChannelsView, Connected
from carillon.ports.directory import AuditEntry, Stored
from carillon.services.own_channels import OwnChannels, ProviderBrokeError
from tests.builders import NOW, ORG, organization, settings
from tests.doubles import CountingIds, SetClock
from tests.faults import Died, Failed, Line, lines

CALLER = Caller(ORG, "org_admin", "key-1", "live")
FIRST = WhatsappSender(account_sid="AC" + "0" * 32, auth_token="first-token", sender="+31201234567")
SECOND = replace(FIRST, auth_token="second-token")
URL = "https://carillon.example"


@dataclass
class MemoryChannels:
    """See the port `ChannelStore`: versions are checked, and each write is whole."""

    organization: Stored[Organization]
    settings: Stored[Settings]
    channels: dict[Channel, StoredChannel] = field(default_factory=dict)
    known_ids: set[str] = field(default_factory=set)
    audit: list[AuditEntry] = field(default_factory=list)
    templates: set[str] = field(default_factory=lambda: {"HX1"})

    def read(self, _org_id: str) -> ChannelsView:
        return ChannelsView(self.organization, self.settings, dict(self.channels))

    def reserve(self, _org_id: str, channel: StoredChannel) -> bool:
        if not self._put(channel):
            return False
        self.known_ids.add(channel.id)
        return True

    def save(self, _org_id: str, change: ChannelChange) -> bool:
        if change.view.organization.version != self.organization.version or not self._put(change.after):
            return False
        self.organization = Stored(change.organization, self.organization.version + 1)
        if change.settings is not None:
            self.settings = Stored(change.settings, self.settings.version + 1)
        self.audit += change.audit
        return True

    def drop(self, _org_id: str, channel: StoredChannel) -> bool:
        if self._version(channel.channel) != channel.version:
            return False
        del self.channels[channel.channel]
        self.known_ids.discard(channel.id)
        return True

    def forget_templates(self, _org_id: str) -> None:
        self.templates.clear()

    def _put(self, channel: StoredChannel) -> bool:
        if self._version(channel.channel) != channel.version:
            return False
        self.channels[channel.channel] = replace(channel, version=channel.version + 1)
        return True

    def _version(self, channel: Channel) -> int:
        return self.channels[channel].version if channel in self.channels else 0


@dataclass
class OneProvider:
    """A provider's side: whose webhook is set, and with which credentials."""

    set_up: dict[str, str] = field(default_factory=dict)

    def connect(self, _org_id: str, channel_id: str, stated: Mapping[str, Any], _before: OwnSender | None) -> Connected:
        self.set_up[channel_id] = stated["auth_token"]
        return Connected(active=True, sender=stated["sender"])

    def check(self, _org_id: str, channel_id: str, own: OwnSender) -> Connected:
        self.set_up[channel_id] = own.secrets["auth_token"]
        return Connected(active=True, sender=own.sender)

    def disconnect(self, _org_id: str, channel_id: str, _own: OwnSender) -> None:
        self.set_up.pop(channel_id, None)


class PlainVault:
    """Seals visibly, bound to the organization."""

    def seal(self, org_id: str, secrets: Mapping[str, str]) -> str:
        return f"{org_id}:{secrets['auth_token']}"

    def open(self, org_id: str, sealed: str) -> dict[str, str]:
        owner, _, token = sealed.partition(":")
        assert owner == org_id
        return {"auth_token": token}


@dataclass
class Desk:
    """An organization with its channels, and the use cases on them behind a line."""

    line: Line = field(default_factory=Line)
    provider: OneProvider = field(default_factory=OneProvider)
    store: MemoryChannels = field(
        default_factory=lambda: MemoryChannels(
            Stored(organization(), 1), Stored(settings(message_mode=MessageMode(mode="own", business_name="A")), 1)
        )
    )
    ids: CountingIds = field(default_factory=CountingIds)

    def use(self) -> OwnChannels:
        admin: ChannelAdmin = self.line.watch(self.provider)
        vault, store = self.line.watch(PlainVault()), self.line.watch(self.store)
        return OwnChannels(store, vault, lambda _channel, _url: admin, frozenset(ALL), SetClock(NOW), self.ids)

    def state(self) -> ChannelState | None:
        return self.store.organization.document.channels.get("whatsapp")


def put(desk: Desk, stated: WhatsappSender = FIRST) -> None:
    desk.use().put(CALLER, "whatsapp", stated, URL)


def check(desk: Desk) -> None:
    desk.use().check(CALLER, "whatsapp", URL)


def give_up(desk: Desk) -> None:
    try:
        desk.use().remove(CALLER, "whatsapp", URL)
    except NotFound:  # what was done before the process ended is done
        return


def every_way(prepare: Callable[[Desk], None], step: Callable[[Desk], None]) -> Iterator[Desk]:
    """Break a step in every way, once each, and repeat it until it comes through."""
    whole = Desk()
    prepare(whole)
    whole.line = Line()
    step(whole)
    assert len(whole.line.calls) > 2
    for line in lines(len(whole.line.calls)):
        desk = Desk()
        prepare(desk)
        desk.line = line
        for _ in range(3):
            try:
                step(desk)
            except (Died, Failed, ProviderBrokeError):
                continue
            break
        else:
            raise AssertionError("it never comes through")
        yield desk


def nothing(_desk: Desk) -> None:
    """Begin with no sender."""


def test_connecting_ends_connected_under_one_id_wherever_it_broke() -> None:
    for desk in every_way(nothing, put):
        (stored,) = desk.store.channels.values()
        state = desk.state()
        assert (stored.phase, stored.sealed, stored.trying) == ("connected", f"{ORG}:first-token", None)
        assert desk.provider.set_up == {stored.id: "first-token"}
        assert desk.store.known_ids == {stored.id}
        assert state is not None
        assert (state.status, state.revision) == ("active", stored.revision)
        assert [entry.what for entry in desk.store.audit] == ["channel/whatsapp"]


def test_new_credentials_are_in_force_in_the_end_and_the_old_ones_until_then() -> None:
    for desk in every_way(put, lambda desk: put(desk, SECOND)):
        (stored,) = desk.store.channels.values()
        assert (stored.sealed, stored.trying) == (f"{ORG}:second-token", None)
        assert desk.provider.set_up == {stored.id: "second-token"}
        assert len(desk.store.audit) == 2


def test_giving_up_leaves_nothing_behind_wherever_it_broke() -> None:
    for desk in every_way(put, give_up):
        assert (desk.store.channels, desk.store.known_ids, desk.provider.set_up) == ({}, set(), {})
        assert (desk.state(), desk.store.templates) == (None, set())
        assert desk.store.settings.document.message_mode == MessageMode(mode="shared", business_name="A")
        assert [entry.what for entry in desk.store.audit] == ["channel/whatsapp", "channel/whatsapp", "settings"]


def test_a_check_that_broke_changes_nothing_that_was_right() -> None:
    for desk in every_way(put, check):
        (stored,) = desk.store.channels.values()
        assert (stored.phase, stored.sealed) == ("connected", f"{ORG}:first-token")
        assert desk.provider.set_up == {stored.id: "first-token"}
        assert len(desk.store.audit) == 1


@pytest.mark.parametrize("at", range(1, 4))
def test_a_sender_that_broke_off_while_being_connected_is_used_by_nobody_and_can_be_given_up(at: int) -> None:
    desk = Desk(Line(at, "dies_after"))
    with pytest.raises(Died):
        put(desk)
    assert desk.state() is None
    desk.line = Line()
    give_up(desk)
    assert (desk.store.channels, desk.store.known_ids, desk.provider.set_up) == ({}, set(), {})
