"""decide(): who is told what, where; and if not, why not. Pure; every sender, explanation and simulation asks it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from carillon.domain.catalog import ROWS, Audience, Row, reminder_template_key, row_for
from carillon.domain.channels import CHANNELS, Channel, Purpose
from carillon.domain.clients import Client, Grants, Staff, reminders_of
from carillon.domain.organizations import Organization
from carillon.domain.records import Event, StoredRecord
from carillon.domain.rules import RulesInForce
from carillon.domain.settings import Notified, Settings

Level = Literal["builtin", "organization", "client", "record", "account"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a decision depends on, read in one go.

    `connected`: channels that can send for this organization. `whatsapp_templates`: (template key, audience, locale)
    that have an approved template.
    """

    organization: Organization
    settings: Settings
    rules: RulesInForce
    record: StoredRecord
    client: Client | None
    staff: Mapping[str, Staff]
    connected: frozenset[Channel]
    whatsapp_templates: frozenset[tuple[str, str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Recipient:
    """Someone to be told: `ref` names where his messages lie; `grants` None means no consent is needed."""

    audience: Audience
    ref: str
    addresses: Mapping[str, str | None]
    locale: str
    opted_out: tuple[Channel, ...] = ()
    grants: Mapping[Purpose, Grants] | None = None
    staff_id: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Send on this channel to this address with this template, or do not, for this reason set at this level."""

    recipient: Recipient
    channel: Channel
    send: bool
    template: str
    address: str | None = None
    reason: str | None = None
    level: Level = "builtin"


@dataclass(frozen=True, slots=True)
class Verdict:
    """All channels of one recipient: what is sent, and, where nothing is, the one refusal that is stored."""

    recipient: Recipient
    template: str
    send: tuple[Decision, ...]
    refused: tuple[Decision, ...] = field(default=())

    @property
    def suppressed(self) -> bool:
        """Whether this recipient gets nothing on this occasion."""
        return not self.send and bool(self.refused)


def decide_event(event: Event, facts: Facts) -> list[Verdict]:
    """Decide who is told of an event: by the rule of its row, on every channel the rule enables."""
    row = row_for(event.type, source=facts.record.appointment.source, actor=event.actor.type)
    if row is None:
        return []
    verdicts: list[Verdict] = []
    taken: set[tuple[Channel, str]] = set()
    for audience in _most_specific_first(row, event):
        rule = facts.rules.rules.for_row(row.key, audience)
        channels = rule.enabled_channels if rule is not None else ()
        if rule is None or not channels:
            continue
        for recipient in _recipients(audience, event, facts):
            acted = recipient.staff_id is not None and _is_actor(recipient.staff_id, event) and not rule.include_actor
            decisions = [
                Decision(recipient, channel, send=False, template=rule.template_for(channel),
                         reason="recipient_is_actor", level="record")
                if acted
                else _without_doubles(_check(recipient, channel, rule.template_for(channel), row.purpose, facts), taken)
                for channel in channels
            ]  # fmt: skip
            taken |= {(item.channel, item.address) for item in decisions if item.send and item.address}
            verdicts.append(_verdict(recipient, rule.key, decisions))
    return verdicts


def decide_reminder(key: str, facts: Facts, *, given_up: Mapping[str, str] | None = None) -> Verdict | None:
    """Decide on a reminder to the client, with the preferences in force now.

    `given_up` maps channels that were tried in vain to their reasons; the strategy goes on behind them. None: there
    is no client to decide about.
    """
    client = facts.client
    if client is None:
        return None
    recipient = _client(client, facts.settings)
    template = reminder_template_key(key)
    reminder = next((item for item in client.reminders or [] if item.key == key), None)
    listed: Sequence[Channel] = reminder.channels if reminder is not None else ()
    if client.removed or not client.enrolled or reminder is None or not reminder.enabled:
        reason = "not_enrolled" if client.removed or not client.enrolled else "reminder_disabled"
        refused = [
            Decision(recipient, channel, send=False, template=template, reason=reason, level="client")
            for channel in listed or ("email",)
        ]
        return _verdict(recipient, template, refused)
    purpose = ROWS[template].purpose if template in ROWS else "service"
    decisions = []
    for channel in listed:
        gave_up = (given_up or {}).get(channel)
        decision = (
            Decision(recipient, channel, send=False, template=template, reason=gave_up, level="account")
            if gave_up is not None
            else _check(recipient, channel, template, purpose, facts)
        )
        decisions.append(decision)
    return _verdict(
        recipient, template, _first_only(decisions) if reminder.strategy == "first_reachable" else decisions
    )


def still_called_for(event: str, recipient_ref: str, record: StoredRecord) -> bool:
    """Whether a record's status still calls for an event's message to this recipient."""
    appointment = record.appointment
    if record.deleted:
        return False
    if recipient_ref.startswith("s:") and event in ("appointment.booked", "appointment.changed"):
        return appointment.status in ("booked", "accepted", "requested", "awaiting_payment") and (
            recipient_ref[2:] in appointment.staff_ids
        )
    if recipient_ref.startswith("c:") and recipient_ref[2:] != appointment.client_id:
        return event == "appointment.cancelled"
    allowed = {
        "appointment.booked": ("booked", "accepted"),
        "appointment.changed": ("booked", "accepted", "requested", "awaiting_payment"),
        "appointment.cancelled": ("cancelled",),
    }
    if recipient_ref.startswith("s:") and event == "appointment.cancelled":
        return appointment.status == "cancelled" or recipient_ref[2:] not in appointment.staff_ids
    return appointment.status in allowed.get(event, (appointment.status,))


def in_force(client: Client | None, key: str) -> bool:
    """Whether a reminder key is on among the client's reminders in force."""
    return client is not None and any(item.key == key and item.enabled for item in reminders_of(client))


def _verdict(recipient: Recipient, template: str, decisions: Iterable[Decision]) -> Verdict:
    decided = tuple(decisions)
    return Verdict(
        recipient=recipient,
        template=template,
        send=tuple(item for item in decided if item.send),
        refused=tuple(item for item in decided if not item.send),
    )


def _first_only(decisions: list[Decision]) -> list[Decision]:
    chosen = next((item for item in decisions if item.send), None)
    if chosen is None:
        return decisions
    return [
        item if item is chosen or not item.send else _refuse(item, "covered_by_other_channel", "organization")
        for item in decisions
    ]


def _refuse(decision: Decision, reason: str, level: Level) -> Decision:
    return Decision(
        decision.recipient, decision.channel, send=False, template=decision.template,
        address=decision.address, reason=reason, level=level,
    )  # fmt: skip


def _without_doubles(decision: Decision, taken: set[tuple[Channel, str]]) -> Decision:
    if decision.send and decision.address and (decision.channel, decision.address) in taken:
        return _refuse(decision, "duplicate", "record")
    return decision


def _most_specific_first(row: Row, event: Event) -> list[Audience]:
    # The catalog lists client, then collaborator, manager, owner: equal addresses are told as the first of these.
    return [audience for audience in row.offers if event.audiences is None or audience in event.audiences]


def _is_actor(staff_id: str, event: Event) -> bool:
    return event.actor.type == "staff" and event.actor.id == staff_id


def _check(recipient: Recipient, channel: Channel, template: str, purpose: Purpose, facts: Facts) -> Decision:
    """Check one channel, in the order in which a refusal is most useful to whoever reads it."""
    address = recipient.addresses.get(CHANNELS[channel].address)
    reason, level = (
        _account_obstacle(channel, facts)
        or _personal_obstacle(recipient, channel, purpose, address)
        or (
            ("whatsapp_template_missing", "organization")
            if channel == "whatsapp" and not _has_whatsapp_template(recipient, template, facts)
            else (None, "builtin")
        )
    )
    return Decision(
        recipient, channel, send=reason is None, template=template, address=address, reason=reason, level=level
    )


def _account_obstacle(channel: Channel, facts: Facts) -> tuple[str, Level] | None:
    if not facts.organization.sends:
        return "notifications_inactive", "account"
    if channel not in facts.connected:
        return "channel_not_connected", "account"
    return None


def _personal_obstacle(
    recipient: Recipient, channel: Channel, purpose: Purpose, address: str | None
) -> tuple[str, Level] | None:
    asked = recipient.grants is not None and CHANNELS[channel].needs_consent
    if asked and recipient.grants is not None and not recipient.grants[purpose].get(channel, False):
        return "consent_missing", "client"
    if channel in recipient.opted_out:
        return "opted_out", "client"
    return None if address else ("no_address", "client")


def _has_whatsapp_template(recipient: Recipient, template: str, facts: Facts) -> bool:
    return whatsapp_template(facts.whatsapp_templates, template, recipient.audience, recipient.locale) is not None


def whatsapp_template(
    approved: Iterable[tuple[str, str, str]], key: str, audience: str, locale: str
) -> tuple[str, str, str] | None:
    """Find the approved template for a text: the key's own, else its general key's; the locale, else its language."""
    known = set(approved)
    general = ROWS[key].falls_back_to if key in ROWS else ("reminder" if key.startswith("reminder.") else None)
    for name in (key, general):
        for language in (locale, locale.partition("-")[0]):
            if name is not None and (name, audience, language) in known:
                return name, audience, language
    return None


def _recipients(audience: Audience, event: Event, facts: Facts) -> list[Recipient]:
    if audience == "client":
        return [_client(facts.client, facts.settings)] if facts.client is not None else []
    if audience == "collaborator":
        ids = event.staff if event.staff is not None else facts.record.appointment.staff_ids
        return [
            _staff(facts.staff[i], audience, facts.settings) for i in ids if i in facts.staff and facts.staff[i].active
        ]
    members = [
        _staff(member, audience, facts.settings)
        for member in facts.staff.values()
        if member.active and audience in member.roles
    ]
    notified = facts.settings.manager if audience == "manager" else facts.settings.owner
    return members + _role(audience, notified, event, facts.settings)


def _client(client: Client, settings: Settings) -> Recipient:
    return Recipient(
        audience="client",
        ref=f"c:{client.id}",
        addresses={"email": client.email, "phone": client.phone},
        locale=client.locale or settings.locale,
        opted_out=tuple(client.opted_out),
        grants={"service": client.consents.service, "marketing": client.consents.marketing},
    )


def _staff(member: Staff, audience: Audience, settings: Settings) -> Recipient:
    return Recipient(
        audience=audience,
        ref=f"s:{member.id}",
        addresses={"email": member.email, "phone": member.mobile},
        locale=member.locale or settings.locale,
        opted_out=tuple(member.opted_out),
        staff_id=member.id,
    )


def _role(audience: Audience, notified: Notified, event: Event, settings: Settings) -> list[Recipient]:
    if notified.email is None and notified.mobile is None:
        return []
    # The day of the event is part of the reference, so that one busy role does not become one hot partition.
    ref = f"r:{audience}#{event.at[:10]}"
    return [Recipient(audience, ref, {"email": notified.email, "phone": notified.mobile}, settings.locale)]


def purpose_of(template: str) -> Purpose:
    """The purpose a template key serves."""
    return ROWS[template].purpose if template in ROWS else "service"
