"""decide(): who is told what, where; and if not, why not. Pure; every sender, explanation and simulation asks it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from carillon.domain.audiences import recipients
from carillon.domain.catalog import ROWS, Audience, Row, general_key, reminder_template_key, row_for
from carillon.domain.channels import CHANNELS, Channel, Purpose
from carillon.domain.clients import Client, reminders_of
from carillon.domain.decisions import Account, Decision, Facts, Level, Verdict
from carillon.domain.quota import units_at_queue
from carillon.domain.recipients import Recipient, client_recipient
from carillon.domain.records import Event
from carillon.domain.rules import Rule, Rules
from carillon.domain.settings import Reminder, Strategy
from carillon.domain.templates import choose_locale
from carillon.domain.timing import event_in_time, reminder_in_time
from carillon.domain.window import is_open

PUSH: Channel = "push"
QUOTA_EXHAUSTED = "quota_exhausted"
ANYWHERE = "*"
Told = set[tuple[str, str]]
"""Addresses that were told already, by channel, whatever their letters' case; people, on whatever channel."""


def decide_event(event: Event, facts: Facts, told: Told | None = None) -> list[Verdict]:
    """Decide who is told of an event: by the rule of its row, on every channel the rule enables.

    `told` is shared by the events of one change, so that nobody is told of it twice; it is added to.
    """
    row = row_for(event.type, source=facts.record.source, actor=event.actor.type)
    if row is None:
        return []
    verdicts: list[Verdict] = []
    staff_told, client_told = told if told is not None else set(), Told()
    told_before = {ref for channel, ref in staff_told if channel == ANYWHERE}
    for audience in _most_specific_first(row, event):
        rule = rule_for(row, audience, event.status, facts.rules.rules)
        if rule is None:
            continue
        for recipient in recipients(audience, event, facts):
            decisions = _thanked_already(event, _by_rule(rule, recipient, event, row.purpose, facts), facts)
            if recipient.ref in told_before or _told_by_status(event, audience, facts):
                decisions = [
                    _no(each.recipient, each.channel, each.template, "duplicate", "record") for each in decisions
                ]
            decisions = [_without_doubles(each, staff_told | client_told) for each in decisions]
            # Two clients may share an address, and each is to know what became of his appointment.
            (client_told if audience == "client" else staff_told).update(
                _place(item) for item in decisions if item.send
            )
            staff_told |= {(ANYWHERE, recipient.ref)} if any(item.send for item in decisions) else set()
            verdict = _verdict(recipient, rule.key, decisions, rule=rule.id)
            # A rule that is off says nothing, and still push goes: no rule switches it.
            verdicts += [verdict] if verdict.listed or verdict.beside else []
    return verdicts


def rule_for(row: Row, audience: Audience, status: str | None, rules: Rules) -> Rule | None:
    """Find the rule in force for an audience: one bound to the very status stands in for the general one."""
    return rules.for_status(row.key, audience, status) or rules.for_row(row.key, audience)


def decide_reminder(key: str, facts: Facts, *, given_up: Mapping[str, str] | None = None) -> Verdict | None:
    """Decide on a reminder to the client, with the preferences in force now.

    `given_up` maps channels that were tried in vain to their reasons; the strategy goes on behind them. None: there
    is no client to decide about.
    """
    client = facts.client
    if client is None:
        return None
    recipient = client_recipient(client, facts.settings)
    template = reminder_template_key(key)
    reminder = next((item for item in client.reminders or [] if item.key == key), None)
    enrolled = client.enrolled and not client.removed
    if not enrolled or reminder is None or not reminder.enabled:
        reason = "reminder_disabled" if enrolled else "not_enrolled"
        listed: Sequence[Channel] = reminder.channels if reminder is not None else ("email",)
        return _verdict(recipient, template, [_no(recipient, name, template, reason, "client") for name in listed])
    gone = given_up or {}
    decisions = [
        _no(recipient, name, template, gone[name], "account")
        if name in gone
        else reminder_in_time(obstacle(recipient, name, template, purpose_of(template), facts), reminder, facts)
        for name in reminder.channels
    ]
    chosen = _first_only(decisions) if reminder.strategy == "first_reachable" else decisions
    # What went beside the first try does not go again beside the next.
    push = obstacle(recipient, PUSH, template, purpose_of(template), facts) if given_up is None else None
    beside = [] if push is None else [reminder_in_time(push, reminder, facts)]
    return _verdict(recipient, template, [*chosen, *beside], reminder.strategy)


def obstacle(recipient: Recipient, channel: Channel, template: str, purpose: Purpose, facts: Account) -> Decision:
    """Decide on one channel: the first obstacle, in the order most useful to whoever reads it, or none."""
    clear: tuple[None, Level] = (None, "builtin")
    reason, level = next(obstacles(recipient, channel, template, purpose, facts), clear)
    address = recipient.addresses.get(CHANNELS[channel].address)
    if reason is not None:
        return Decision(recipient, channel, send=False, template=template, address=address, reason=reason, level=level)
    units = units_at_queue(facts.organization, channel, template, recipient.audience, facts.own_texts)
    return Decision(recipient, channel, send=True, template=template, address=address, level=level, units=units)


def obstacles(
    recipient: Recipient, channel: Channel, template: str, purpose: Purpose, facts: Account
) -> Iterator[tuple[str, Level]]:
    """Find everything in the way on one channel, in the order in which it is decided: reason and level."""
    address = recipient.addresses.get(CHANNELS[channel].address)
    yield from _of_the_account(channel, facts)
    yield from _of_the_person(recipient, channel, purpose, address)
    if channel == "whatsapp" and not _sayable(recipient, template, facts):
        yield "whatsapp_template_missing", "organization"
    if channel in facts.exhausted:
        yield QUOTA_EXHAUSTED, "account"


def without(verdict: Verdict, channel: str) -> Verdict:
    """Refuse a channel of a verdict that no strategy ties together, since its quota turned out to be exhausted."""
    listed = tuple(
        _no(each.recipient, each.channel, each.template, QUOTA_EXHAUSTED, "account")
        if each.send and each.channel == channel
        else each
        for each in verdict.listed
    )
    return replace(verdict, listed=listed)


def in_force(client: Client | None, key: str) -> Reminder | None:
    """Find a reminder that is on among the client's reminders in force."""
    known = reminders_of(client) if client is not None else []
    return next((item for item in known if item.key == key and item.enabled), None)


def purpose_of(template: str) -> Purpose:
    """Tell the purpose a template key serves."""
    return ROWS[template].purpose if template in ROWS else "service"


def whatsapp_template(
    approved: Iterable[tuple[str, str, str]], key: str, audience: str, locale: str
) -> tuple[str, str, str] | None:
    """Find the approved template for a text: the key's own, else its general key's; the locale, else its language."""
    known = frozenset(approved)
    for name in (key, general_key(key)):
        for language in (locale, locale.partition("-")[0]):
            if name is not None and (name, audience, language) in known:
                return name, audience, language
    return None


def _sayable(recipient: Recipient, template: str, facts: Account) -> bool:
    """Whether WhatsApp lets a text through: one that was approved, or any while the person's window is open."""
    if is_open(recipient, facts.organization, facts.settings, facts.now):
        return True
    own = facts.own_texts.content(template, recipient.audience, recipient.locale, facts.settings.locale)
    locale = choose_locale(recipient.locale, facts.settings.locale)
    known = facts.whatsapp_templates
    return own is not None or whatsapp_template(known, template, recipient.audience, locale) is not None


def _by_rule(rule: Rule, recipient: Recipient, event: Event, purpose: Purpose, facts: Facts) -> list[Decision]:
    acted = event.actor.type == "staff" and recipient.staff_id is not None and event.actor.id == recipient.staff_id
    told_himself = acted and not rule.include_actor
    return [
        _no(recipient, channel, rule.template_for(channel), "recipient_is_actor", "record")
        if told_himself
        else event_in_time(
            obstacle(recipient, channel, rule.template_for(channel), purpose, facts), event.type, purpose, facts
        )
        for channel in (*rule.enabled_channels, PUSH)
    ]


def _thanked_already(event: Event, decisions: list[Decision], facts: Facts) -> list[Decision]:
    """A client whose reminder after completion is on is told by that one."""
    reminder = in_force(facts.client, "service_completed") if event.type == "appointment.completed" else None
    if reminder is None:
        return decisions
    return [_no(each.recipient, each.channel, each.template, "duplicate", "client") for each in decisions]


def _told_by_status(event: Event, audience: Audience, facts: Facts) -> bool:
    """Whether a rule bound to the status tells an audience of the same change, so that the order's end goes unsaid."""
    if event.type != "order.completed" or event.was == event.status:
        return False
    rule = facts.rules.rules.for_status("order.status_changed", audience, event.status)
    return rule is not None and bool(rule.enabled_channels)


def _verdict(
    recipient: Recipient,
    template: str,
    decisions: Iterable[Decision],
    strategy: Strategy | None = None,
    *,
    rule: str | None = None,
) -> Verdict:
    """Put decisions together; push that does not send leaves no trace, since nobody asked for it."""
    every = list(decisions)
    listed = tuple(item for item in every if item.channel != PUSH)
    beside = tuple(item for item in every if item.channel == PUSH and item.send)
    return Verdict(recipient, template, listed, strategy, beside, rule)


def _first_only(decisions: list[Decision]) -> list[Decision]:
    chosen = next((item for item in decisions if item.send), None)
    if chosen is None:
        return decisions
    return [
        item
        if item is chosen or not item.send
        else _no(item.recipient, item.channel, item.template, "covered_by_other_channel", "organization")
        for item in decisions
    ]


def _no(recipient: Recipient, channel: Channel, template: str, reason: str, level: Level) -> Decision:
    return Decision(recipient, channel, send=False, template=template, reason=reason, level=level)


def _place(decision: Decision) -> tuple[Channel, str]:
    """Say where a decision sends, to compare it with others."""
    # A device is named within its person only.
    where = decision.recipient.ref if decision.channel == PUSH else decision.address or ""
    return decision.channel, where.casefold()


def _without_doubles(decision: Decision, told: Told) -> Decision:
    """Leave out what would tell an address twice."""
    if decision.send and _place(decision) in told:
        return _no(decision.recipient, decision.channel, decision.template, "duplicate", "record")
    return decision


def _most_specific_first(row: Row, event: Event) -> list[Audience]:
    # The catalog lists client, then collaborator, manager, owner: equal addresses are told as the first of these.
    return [audience for audience in row.offers if event.audiences is None or audience in event.audiences]


def _of_the_account(channel: Channel, facts: Account) -> Iterator[tuple[str, Level]]:
    if not facts.organization.sends:
        yield "notifications_inactive", "account"
    if channel not in facts.connected:
        yield "channel_not_connected", "account"


def _of_the_person(
    recipient: Recipient, channel: Channel, purpose: Purpose, address: str | None
) -> Iterator[tuple[str, Level]]:
    grants = recipient.grants if CHANNELS[channel].needs_consent else None
    if grants is not None and not grants[purpose].get(channel, False):
        yield "consent_missing", "client"
    if channel in recipient.opted_out:
        yield "opted_out", "client"
    if not address:
        yield "no_address", "client"
    refusal = recipient.refusal(channel)
    if refusal is not None:
        yield refusal, "client"
