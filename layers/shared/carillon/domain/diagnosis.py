"""Why a client would or wouldn't be told: the obstacles that decide() itself sees, each with the way out of it."""

from collections.abc import Iterator, Sequence

from carillon.domain.channels import CHANNELS, LISTABLE, Channel, Purpose
from carillon.domain.clients import Client, reminders_of
from carillon.domain.constraints import Id, document
from carillon.domain.decide import QUOTA_EXHAUSTED, decide_reminder, obstacles
from carillon.domain.decisions import Account, Facts, Verdict
from carillon.domain.quota import is_metered
from carillon.domain.recipients import Recipient, client_recipient
from carillon.domain.records import Planned
from carillon.domain.times import iso
from carillon.domain.values import value

CHECK_OF = {
    "channel_not_connected": "connection",
    "consent_missing": "consent",
    "opted_out": "opt_out",
    "no_address": "address",
    "whatsapp_template_missing": "template",
    "address_bounced": "bounces",
    "address_complained": "bounces",
    QUOTA_EXHAUSTED: "quota",
}
"""Which check of a channel fails for an obstacle; another obstacle is a check of its own."""
ALWAYS = ("connection", "consent", "opt_out", "address")
REPORTING: frozenset[Channel] = frozenset({"email"})
"""Channels whose provider tells that an address must not be written to again."""
GENERAL = "reminder"
"""The text that obstacles are looked for with where no reminder of the client's names another."""


@document
class Check:
    """One thing that must be so. `code`: the reason, as a message would have it; `fix`: the call that mends it.

    `channel` and `purpose` say what it is about, where it is about one.
    """

    check: str
    channel: Channel | None = None
    purpose: Purpose | None = None
    ok: bool
    code: str | None = None
    detail: str
    fix: str | None = None


@document
class Diagnosis:
    """`reachable`: a message that the client agreed to would go out on some channel right now."""

    client_id: Id
    reachable: bool
    checks: list[Check]


@value
class Ahead:
    """The next planned reminder, with the facts it would be decided on."""

    record: str
    entry: Planned
    facts: Facts


def diagnose(client: Client, account: Account, sharing: Sequence[str], ahead: Ahead | None) -> Diagnosis:
    """Check everything; `sharing` names other clients with the same phone or e-mail."""
    recipient = client_recipient(client, account.settings)
    templates = _templates(client)
    channels: list[Check] = []
    reachable = False
    # Push is nobody's to list; it is looked at where the client has a device for it.
    beside: tuple[Channel, ...] = ("push",) if client.reach.devices else ()
    for channel in (*LISTABLE, *beside):
        found = _obstacles(recipient, channel, templates.get(channel, [GENERAL]), account)
        reachable = reachable or not found
        channels += _of_channel(client, recipient, channel, found, account)
    general = [_activation(account), _enrolment(client), _reminders(client)]
    marketing = list(_marketing(client, recipient, account))
    checks = [*general, *channels, *marketing, _duplicates(client, sharing), _upcoming(ahead)]
    return Diagnosis(client_id=client.id, reachable=reachable, checks=checks)


def _obstacles(recipient: Recipient, channel: Channel, templates: Sequence[str], account: Account) -> list[str]:
    named = (reason for each in templates for reason, _ in obstacles(recipient, channel, each, "service", account))
    return list(dict.fromkeys(named))


def _templates(client: Client) -> dict[Channel, list[str]]:
    """Name the texts that the client's reminders would use, per channel."""
    found: dict[Channel, list[str]] = {}
    for reminder in reminders_of(client):
        for channel in reminder.channels if reminder.enabled and reminder.key != "review" else ():
            found.setdefault(channel, []).append(f"reminder.{reminder.key}")
    return found


def _of_channel(
    client: Client, recipient: Recipient, channel: Channel, found: Sequence[str], account: Account
) -> list[Check]:
    failing = {CHECK_OF.get(reason, reason): reason for reason in found if reason != "notifications_inactive"}
    unasked = () if CHANNELS[channel].needs_consent else ("consent",)
    always = (*ALWAYS, *(("bounces",) if channel in REPORTING and client.email else ()))
    always = tuple(name for name in always if name not in unasked)
    always += ("quota",) if is_metered(account.organization, channel) else ()
    names = [*always, *(name for name in failing if name not in always)]
    return [_check_of(client, recipient, channel, name, failing.get(name)) for name in names]


def _check_of(client: Client, recipient: Recipient, channel: Channel, name: str, code: str | None) -> Check:
    address = recipient.addresses.get(CHANNELS[channel].address)
    place = f"/v1/clients/{client.id}"
    where = address if CHANNELS[channel].address == "device" else _masked(address)
    said = {
        "connection": (f"{channel} is connected", f"{channel} is not connected for this organization"),
        "consent": (f"the client agreed to {channel}", f"the client has not agreed to {channel}"),
        "opt_out": (f"the client has not opted out of {channel}", f"the client opted out of {channel}"),
        "address": (f"{channel} goes to {where}", f"the client has no address for {channel}"),
        "bounces": (f"nothing is held against {_masked(address)}", _held_against(code)),
        "quota": (f"there is quota left for {channel}", f"the quota of {channel} is exhausted"),
        "template": ("", "WhatsApp has not approved the text of a reminder in the client's language"),
    }
    fixes = {
        "connection": f"PUT /v1/channels/{channel} with an own sender (POST …/check where there is one), "
        "or have reminders and rules use another channel",
        "consent": _reaching(channel, place)
        if channel == "telegram"
        else f'PUT {place}/consents {{"service": {{"{channel}": true}}}}, once the client agrees',
        "opt_out": "only the client can come back, by a reply or on its preference page; use another channel",
        "address": _reaching(channel, place),
        "bounces": _way_back(place, code),
        "quota": "have the quota topped up; or have reminders list a second channel that has some left",
        "template": "submit the text for WhatsApp's approval, or list another channel in the reminder",
    }
    good, bad = said.get(name, ("", f"{channel}: {name}"))
    if code is None:
        return Check(check=name, channel=channel, ok=True, detail=good)
    fix = fixes.get(name, f"see the reason {code} in GET /v1/catalog")
    return Check(check=name, channel=channel, ok=False, code=code, detail=bad, fix=fix)


def _held_against(code: str | None) -> str:
    if code == "address_complained":
        return "whoever has the address reported a message as spam, so it is not written to again"
    return "a message to the address bounced for good, so it is not written to again"


def _way_back(place: str, code: str | None) -> str:
    if code == "address_complained":
        return "nobody but its owner can take that back; use another channel, or another address of the client's"
    return (
        f"PATCH {place} with an address that works; if this one does by now, "
        'POST /v1/suppressions/lift {"channel": "email", "address": "…"}'
    )


def _marketing(client: Client, recipient: Recipient, account: Account) -> Iterator[Check]:
    """Check the consent that review requests need, where the client's reminders ask for reviews."""
    review = next((each for each in reminders_of(client) if each.key == "review" and each.enabled), None)
    for channel in review.channels if review is not None else ():
        reasons = [reason for reason, _ in obstacles(recipient, channel, "review", "marketing", account)]
        ok = "consent_missing" not in reasons
        yield Check(
            check="consent",
            channel=channel,
            purpose="marketing",
            ok=ok,
            code=None if ok else "consent_missing",
            detail=f"the client has {'' if ok else 'not '}agreed to marketing by {channel}, as review requests are",
            fix=None
            if ok
            else f'PUT /v1/clients/{client.id}/consents {{"marketing": {{"{channel}": true}}, "wording": "…"}}',
        )


def _activation(account: Account) -> Check:
    if account.organization.sends:
        return Check(check="activation", ok=True, detail="notifications are active")
    fix = "POST /v1/integrations/notifications/activate"
    detail = "notifications are not active, so nothing is sent"
    return Check(check="activation", ok=False, code="notifications_inactive", detail=detail, fix=fix)


def _enrolment(client: Client) -> Check:
    if client.enrolled:
        return Check(check="enrolment", ok=True, detail="the client is enrolled")
    detail = "the client is not enrolled, so it gets no reminders; event messages don't need it"
    fix = f"POST /v1/clients/{client.id}/enrolment"
    return Check(check="enrolment", ok=False, code="not_enrolled", detail=detail, fix=fix)


def _reminders(client: Client) -> Check:
    on = [each.key for each in client.reminders or [] if each.enabled]
    if on:
        return Check(check="reminders", ok=True, detail=f"switched on: {', '.join(on)}")
    fix = f"PUT /v1/clients/{client.id}/preferences, or POST …/preferences/reset for the organization's reminders"
    detail = "none of the client's reminders is switched on"
    return Check(check="reminders", ok=False, code="reminder_disabled", detail=detail, fix=fix)


def _duplicates(client: Client, sharing: Sequence[str]) -> Check:
    if not sharing:
        return Check(check="duplicates", ok=True, detail="no other client has this phone or e-mail")
    fix = (
        f'POST /v1/clients/merge {{"keep": "{client.id}", "remove": "{sharing[0]}"}} if it is the same person; '
        f"else PATCH one of them with allow_shared_contact"
    )
    detail = f"the phone or e-mail is also that of {', '.join(sharing)}"
    return Check(check="duplicates", ok=False, code="duplicate_client", detail=detail, fix=fix)


def _upcoming(ahead: Ahead | None) -> Check:
    name = "upcoming_reminders"
    if ahead is None:
        detail = "no reminder is planned: there is no upcoming appointment that calls for one"
        fix = "PUT /v1/appointments/{id}, booked or accepted, far enough ahead for a reminder that is switched on"
        return Check(check=name, ok=False, code="no_upcoming_reminders", detail=detail, fix=fix)
    what = f"{ahead.entry.key} of {ahead.record} is planned for {iso(ahead.entry.at)}"
    verdict: Verdict | None = decide_reminder(ahead.entry.key, ahead.facts)
    if verdict is not None and verdict.send:
        channels = ", ".join(decision.channel for decision in verdict.send)
        return Check(check=name, ok=True, detail=f"{what}, by {channels}")
    refused = verdict.refused[0].reason if verdict is not None and verdict.refused else "reminder_disabled"
    detail = f"{what}, and as things are it would not be sent"
    fix = "mend what fails above on one of the reminder's channels"
    return Check(check=name, ok=False, code=refused, detail=detail, fix=fix)


def _reaching(channel: Channel, place: str) -> str:
    """Say how a client comes to be reached on a channel; on Telegram that is its consent too."""
    if channel in ("telegram", "viber"):
        return f"POST {place}/{channel}-links, and have the client open the link"
    return f"PATCH {place} with its {CHANNELS[channel].address}"


def _masked(address: str | None) -> str:
    # Enough to recognise it by; whoever may read the diagnosis may read the client, logs may not.
    return f"…{address[-4:]}" if address else "nowhere"
