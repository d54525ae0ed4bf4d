"""Consent as a ledger: who agreed to what, when, on whose word; what is in force is its projection."""

from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from carillon.domain.channels import ALL, CHANNELS, Channel, Purpose
from carillon.domain.clients import Client, Consents, ConsentState, Grants, default_consents
from carillon.domain.constraints import document
from carillon.domain.errors import Fault, Invalid
from carillon.domain.settings import Settings
from carillon.domain.times import iso, parse_instant
from carillon.domain.values import value

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
CLOCKS_DIFFER = timedelta(minutes=5)
"""How far in the future a stated instant may lie."""


@document
class Granted:
    """One consent as the ledger keeps it."""

    channel: Channel
    purpose: Purpose
    granted: bool


Opt = Literal["out", "back"]


@document
class LedgerEntry:
    """What was stated in one call, on whose word. `actor` is the key that wrote it and the user it wrote for.

    `opt`: the person's own word on a whole channel; then `changes` say what counts there from then on.
    """

    changes: list[Granted]
    at: str
    source: str
    actor: dict[str, str]
    wording: str | None = None
    opt: Opt | None = None


@value
class Changed:
    """A client as it is to be, with what its consent ledger adds."""

    client: Client
    entry: LedgerEntry | None = None


@document
class HistoryItem:
    """One line of a client's consent history."""

    channel: Channel
    purpose: Purpose
    granted: bool
    at: str
    source: str
    actor: dict[str, str]
    wording: str | None = None


@document
class ConsentHistory(ConsentState):
    """Consents in force, and everything that led to them, oldest first; an opt-out bars its channel above them."""

    opted_out: list[Channel] = field(default_factory=list)
    history: list[HistoryItem]


def faults(stated: Consents, now: datetime, place: str = "") -> list[Fault]:
    """Find what is wrong with stated consents beyond their form."""
    found = []
    if any(stated.marketing.values()) and not (stated.wording or "").strip():
        message = "is required for marketing: the words the person agreed to"
        found.append(Fault(f"{place}/wording", "missing_field", message))
    if stated.at is not None and parse_instant(stated.at) > now + CLOCKS_DIFFER:
        found.append(Fault(f"{place}/at", "invalid_value", "must not lie in the future"))
    return found


def differing(state: ConsentState, stated: Consents) -> Consents:
    """Leave out of stated consents what is in force already."""
    return replace(
        stated,
        service={c: granted for c, granted in stated.service.items() if state.service.get(c) != granted},
        marketing={c: granted for c, granted in stated.marketing.items() if state.marketing.get(c) != granted},
    )


def stated_by(
    state: ConsentState, stated: Consents, actor: dict[str, str], now: datetime, place: str = ""
) -> tuple[ConsentState, LedgerEntry | None]:
    """Apply stated consents; gives the new state and what the ledger adds (None when nothing was stated).

    Raises Invalid with pointers below `place`.
    """
    changes = _granted(stated.service, "service") + _granted(stated.marketing, "marketing")
    if not changes:
        return state, None
    problems = faults(stated, now, place)
    if problems:
        raise Invalid(problems)
    after = ConsentState(service={**state.service, **stated.service}, marketing={**state.marketing, **stated.marketing})
    at = stated.at or iso(now)
    return after, LedgerEntry(changes=changes, at=at, source=stated.source, actor=actor, wording=stated.wording)


def at_creation(
    settings: Settings, stated: Consents | None, actor: dict[str, str], now: datetime
) -> tuple[ConsentState, LedgerEntry | None]:
    """Give a new client's consents: the organization's defaults, and over them what is stated."""
    defaults = default_consents(settings)
    if stated is None:
        changes = _granted(defaults.service, "service")
        source = "consent_defaults"
        entry = LedgerEntry(changes=changes, at=iso(now), source=source, actor=actor) if changes else None
        return defaults, entry
    merged = replace(stated, service={**defaults.service, **stated.service})
    return stated_by(ConsentState(), merged, actor, now, "/consents")


def history(entries: list[LedgerEntry]) -> list[HistoryItem]:
    """Show ledger entries line by line."""
    return [
        HistoryItem(
            channel=change.channel,
            purpose=change.purpose,
            granted=change.granted,
            at=entry.at,
            source=entry.source,
            actor=entry.actor,
            wording=entry.wording,
        )
        for entry in entries
        for change in entry.changes
    ]


def can_message(client: Client) -> dict[Channel, bool]:
    """Say per channel whether the client has an address there, agreed to service messages and did not opt out."""
    addresses: dict[Channel, str | None] = {
        "email": client.email,
        "sms": client.phone,
        "whatsapp": client.phone,
        "telegram": client.reach.chats.get("telegram"),
        "viber": client.reach.chats.get("viber"),
        "push": " ".join(device.id for device in client.reach.devices) or None,
    }
    return {
        channel: bool(addresses.get(channel))
        and (client.consents.service.get(channel, False) or not CHANNELS[channel].needs_consent)
        and channel not in client.opted_out
        and not any(each.channel == channel and _is(each.address, addresses[channel]) for each in client.reach.refused)
        for channel in ALL
    }


def _is(address: str, other: str | None) -> bool:
    return other is not None and address.casefold() == other.casefold()


def _granted(grants: Grants, purpose: Purpose) -> list[Granted]:
    return [Granted(channel=channel, purpose=purpose, granted=granted) for channel, granted in grants.items()]
