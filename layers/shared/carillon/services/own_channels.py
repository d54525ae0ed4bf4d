"""An organization's own senders: connected, looked at again, given up.

A provider's side and ours can't change in one transaction, so each step can be done again. Connecting notes the
attempt, has the provider set up, then stores sender, state and audit entry at once; giving up does the reverse: first
nothing uses the sender any more, then the provider's side is undone, then it is forgotten. Whatever died in between,
the same call repeated finishes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from carillon.domain.channel_states import ChannelState
from carillon.domain.channels import ALL, CHANNELS, Channel
from carillon.domain.codec import to_data
from carillon.domain.errors import (
    CarillonError,
    Conflict,
    Contended,
    Fault,
    Invalid,
    InvalidValue,
    NotFound,
    Unavailable,
)
from carillon.domain.listing import Page
from carillon.domain.organizations import Caller
from carillon.domain.own_channels import OwnSender, StoredChannel, seen_as, split
from carillon.domain.simulation import is_test_data
from carillon.domain.times import iso
from carillon.ports.channels import (
    ChannelAdmin,
    ChannelChange,
    ChannelRefused,
    ChannelStore,
    ChannelsView,
    ChannelUnreachable,
    Connected,
    Vault,
)
from carillon.ports.directory import AuditEntry
from carillon.ports.system import Clock, Ids
from carillon.services.channel_documents import ChannelView, shown

ROUNDS = 8
Admins = Callable[[Channel, str], ChannelAdmin]
"""Gives a channel's admin; the second argument is the address under which the outside world reaches the API."""


class ProviderBrokeError(Exception):
    """Asking a provider broke in a way that nobody expected; names the error's kind, and where it was raised."""


def channel_of(name: str) -> Channel:
    """Know a channel by its name in a path; NotFound for one that there is not."""
    for channel in ALL:
        if channel == name:
            return channel
    raise NotFound(f"there is no channel {name!r}")


class OwnChannels:
    """Use cases on own senders; open also while notifications are inactive."""

    def __init__(
        self, store: ChannelStore, vault: Vault, admins: Admins, shared: frozenset[Channel], clock: Clock, ids: Ids
    ) -> None:
        self._store = store
        self._vault = vault
        self._admins = admins
        self._shared = shared
        self._clock = clock
        self._ids = ids

    def page(self, org_id: str) -> Page[ChannelView]:
        """Show every channel, with the organization's own sender where there is one."""
        view = self._store.read(org_id)
        return Page([self._shown(channel, view) for channel in CHANNELS])

    def put(self, caller: Caller, channel: Channel, stated: Any, public_url: str) -> tuple[ChannelView, bool]:
        """Connect a sender, in place of the one there is; also tells whether there was none.

        Raises Invalid (`channel_refused`), Unavailable (`provider_unreachable`), Contended.
        """
        org_id, data = caller.org_id, to_data(stated)
        view = self._store.read(org_id)
        known = view.channels.get(channel)
        new = known is None or known.phase != "connected"
        if is_test_data(org_id):
            after = self._simulated(channel, known, data)
            return self._settle(caller, channel, view, after, active=True), new
        admin = self._admins(channel, public_url)
        before = self._opened(org_id, known) if known is not None and known.phase != "reserved" else None
        attempt = self._reserved(org_id, channel, known, data)
        try:
            found = _asked(lambda: admin.connect(org_id, attempt.id, data, before))
        except Invalid:
            self._withdrawn(org_id, attempt)
            raise
        plain, secret = split(channel, data)
        after = replace(
            attempt,
            phase="connected",
            sender=found.sender,
            stated=plain,
            kept=dict(found.kept),
            secrets=tuple(sorted(secret)),
            dns_records=found.dns_records,
            problem=found.problem,
            trying=None,
        )
        if channel == "whatsapp" and before is not None and before.settings.get("account_sid") != plain["account_sid"]:
            # Before the change: nothing is sent meanwhile with a template that the new account doesn't have.
            self._store.forget_templates(org_id)
        opened = {**({} if found.held else secret), **found.secrets}
        if before is not None and known is not None and opened == before.secrets:
            after = replace(after, sealed=known.sealed)
        else:
            after = replace(after, sealed=self._sealed(org_id, opened) if opened else None)
        return self._settle(caller, channel, view, after, active=found.active), new

    def check(self, caller: Caller, channel: Channel, public_url: str) -> ChannelView:
        """Ask the provider how a sender stands; one that was paused is tried again if it stands well.

        Raises Conflict (`channel_not_connected`), Unavailable (`provider_unreachable`), Contended.
        """
        org_id = caller.org_id
        view = self._store.read(org_id)
        known = view.channels.get(channel)
        if known is None or known.phase != "connected":
            raise Conflict("channel_not_connected", f"the organization has no {channel} sender of its own")
        if is_test_data(org_id):
            return self._settle(caller, channel, view, known, active=True)
        own = self._opened(org_id, known)
        admin = self._admins(channel, public_url)
        try:
            found = _asked(lambda: admin.check(org_id, known.id, own))
        except Invalid as refused:
            found = Connected(active=False, sender=known.sender, problem=refused.detail, dns_records=known.dns_records)
        after = replace(
            known,
            sender=found.sender,
            kept=known.kept | dict(found.kept),
            dns_records=found.dns_records,
            problem=found.problem,
        )
        secrets = own.secrets | dict(found.secrets)
        if secrets != own.secrets:
            after = replace(after, sealed=self._sealed(org_id, secrets))
        return self._settle(caller, channel, view, after, active=found.active)

    def remove(self, caller: Caller, channel: Channel, public_url: str) -> None:
        """Give a sender up, also one whose connecting broke off; on WhatsApp the shared number takes over.

        Raises NotFound, Unavailable (`provider_unreachable`: nothing uses it any more, and the call, repeated, undoes
        the provider's side), Contended.
        """
        org_id = caller.org_id
        view = self._store.read(org_id)
        known = view.channels.get(channel)
        if known is None:
            raise NotFound(f"the organization has no {channel} sender of its own")
        if known.phase == "connected":
            known = self._left(caller, channel, view, known)
        if not is_test_data(org_id):
            admin, own = self._admins(channel, public_url), self._opened(org_id, known)
            _asked(lambda: admin.disconnect(org_id, known.id, own))
        if channel == "whatsapp":
            self._store.forget_templates(org_id)
        if not self._store.drop(org_id, known):
            raise Contended("the channel is being changed by others")

    def _reserved(
        self, org_id: str, channel: Channel, known: StoredChannel | None, data: Mapping[str, Any]
    ) -> StoredChannel:
        """Note the attempt: a provider may call back, under the channel's id, before it has answered."""
        plain, secret = split(channel, data)
        new = StoredChannel(self._ids.ulid(self._clock.now()), channel, stated=plain)
        attempt = replace(known or new, trying=self._sealed(org_id, secret) if secret else None)
        if not self._store.reserve(org_id, attempt):
            raise Contended("the channel is being changed by others")
        return replace(attempt, version=attempt.version + 1)

    def _withdrawn(self, org_id: str, attempt: StoredChannel) -> None:
        """Forget an attempt that was refused; where another one came between, that is its own business."""
        if attempt.phase == "reserved":
            self._store.drop(org_id, attempt)
        else:
            self._store.reserve(org_id, replace(attempt, trying=None))

    def _simulated(self, channel: Channel, known: StoredChannel | None, data: Mapping[str, Any]) -> StoredChannel:
        """Play a provider that takes everything; what is secret is not even kept."""
        plain, secret = split(channel, data)
        return replace(
            known or StoredChannel(self._ids.ulid(self._clock.now()), channel),
            phase="connected",
            sender=seen_as(channel, data),
            stated=plain,
            secrets=tuple(sorted(secret)),
        )

    def _settle(
        self, caller: Caller, channel: Channel, view: ChannelsView, after: StoredChannel, *, active: bool
    ) -> ChannelView:
        """Store a sender as its provider knows it, with its state and the audit entry; nothing if nothing differs."""
        now = self._clock.now()
        for _ in range(ROUNDS):
            known, organization = view.channels.get(channel), view.organization.document
            before = organization.channels.get(channel)
            renewed = known is None or _credentials(known) != _credentials(after)
            # The organization's version never comes twice, so what was opened under a revision is never mistaken.
            revision = view.organization.version + 1 if renewed or known is None else known.revision
            status = "active" if active else "pending"
            state = ChannelState(status=status, sender=after.sender, revision=revision)  # type: ignore[arg-type]
            final = replace(after, revision=revision, changed_at=known.changed_at if known else "")
            if before == state and known is not None and replace(final, version=known.version) == known:
                if final.version != known.version:
                    self._withdrawn(caller.org_id, final)
                return shown(channel, final, state, shared=channel in self._shared)
            final = replace(final, changed_at=iso(now))
            changed = replace(organization, channels={**organization.channels, channel: state})
            document = shown(channel, final, state, shared=channel in self._shared)
            entry = self._entry(caller, channel, view.organization.version + 1, document)
            if self._store.save(caller.org_id, ChannelChange(view, final, changed, (entry,))):
                return document
            view = self._store.read(caller.org_id)
            stored = view.channels.get(channel)
            if (stored.version if stored is not None else 0) != after.version:
                break  # another attempt has begun meanwhile, and the provider may be as it left it
        raise Contended("the channel is being changed by others")

    def _left(self, caller: Caller, channel: Channel, view: ChannelsView, known: StoredChannel) -> StoredChannel:
        """Have nothing use a sender any more, in one transaction with whatever depends on it."""
        now = self._clock.now()
        for _ in range(ROUNDS):
            organization, settings = view.organization, view.settings
            others = {name: state for name, state in organization.document.channels.items() if name != channel}
            entries = [self._entry(caller, channel, organization.version + 1, None)]
            shared = None
            if channel == "whatsapp" and settings.document.message_mode.mode == "own":
                mode = replace(settings.document.message_mode, mode="shared")
                shared = replace(settings.document, message_mode=mode)
                entry = AuditEntry(self._ids.ulid(now), now, caller.actor, "settings", settings.version + 1, shared)
                entries.append(entry)
            leaving = replace(known, phase="leaving", trying=None, changed_at=iso(now))
            change = ChannelChange(
                view, leaving, replace(organization.document, channels=others), tuple(entries), shared
            )
            if self._store.save(caller.org_id, change):
                return replace(leaving, version=known.version + 1)
            view = self._store.read(caller.org_id)
            newer = view.channels.get(channel)
            if newer is None or newer.phase != "connected":
                break
            known = newer
        raise Contended("the channel is being changed by others")

    def _entry(self, caller: Caller, channel: Channel, version: int, after: ChannelView | None) -> AuditEntry:
        now = self._clock.now()
        return AuditEntry(self._ids.ulid(now), now, caller.actor, f"channel/{channel}", version, after)

    def _opened(self, org_id: str, known: StoredChannel) -> OwnSender:
        sealed = known.trying if known.phase == "reserved" else known.sealed
        return known.opened(self._vault.open(org_id, sealed) if sealed is not None else {})

    def _sealed(self, org_id: str, secrets: Mapping[str, str]) -> str:
        try:
            return self._vault.seal(org_id, secrets)
        except InvalidValue as error:
            raise Invalid([Fault("", error.code, str(error))]) from None

    def _shown(self, channel: Channel, view: ChannelsView) -> ChannelView:
        state = view.organization.document.channels.get(channel)
        return shown(channel, view.channels.get(channel), state, shared=channel in self._shared)


def _credentials(stored: StoredChannel) -> tuple[object, ...]:
    return stored.phase, stored.sender, stored.stated, stored.kept, stored.sealed


def _asked(ask: Callable[[], Any]) -> Any:
    """Ask a provider, in the contract's errors; what it was told stays out of them, and out of the log."""
    try:
        return ask()
    except ChannelRefused as error:
        raise Invalid([Fault(error.pointer, "channel_refused", str(error))], str(error), "channel_refused") from None
    except ChannelUnreachable as error:
        raise Unavailable("provider_unreachable", str(error)) from None
    except CarillonError:
        raise
    except Exception as error:  # noqa: BLE001 - an error of a library may quote the credentials it was given
        raise ProviderBrokeError(type(error).__name__).with_traceback(error.__traceback__) from None
