"""An organization's own senders as it states them; what is secret in them is never shown again."""

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

from carillon.domain.channels import Channel
from carillon.domain.constraints import Email, Line, Text, document
from carillon.domain.values import value

Sid = Annotated[str, Text(max=34, min=34, pattern=r"AC[0-9a-f]{32}")]
Token = Annotated[str, Text(max=256, min=8, pattern=r"[!-~]+")]
Pem = Annotated[str, Text(max=4000, min=40, lines=True)]


@document
class EmailSender:
    """An address (or one of a domain) that SES may send from."""

    from_address: Email
    from_name: Line | None = None


@document
class SmsSender:
    """A sender name for SMS: up to 11 letters and digits, one letter at least."""

    sender_id: Annotated[str, Text(max=11, min=1, pattern=r"[0-9]*[A-Za-z][A-Za-z0-9]*")]


@document
class WhatsappSender:
    """A WhatsApp number in the organization's own Twilio (sub)account; `sender` is E.164."""

    account_sid: Sid
    auth_token: Token
    sender: Annotated[str, Text(max=16, min=8, pattern=r"\+[1-9][0-9]{6,14}")]


@document
class TelegramBot:
    """A bot, as @BotFather names it."""

    bot_token: Annotated[str, Text(max=100, min=20, pattern=r"[0-9]{3,20}:[A-Za-z0-9_-]{10,80}")]


@document
class ViberBot:
    """A bot; `name` is what people see, up to 28 characters."""

    auth_token: Token
    name: Annotated[str, Text(max=28, min=1)]


@document
class FcmApp:
    """Firebase's service account, as its JSON file."""

    service_json: Annotated[str, Text(max=4000, min=100, lines=True)]


@document
class ApnsApp:
    """Apple's signing key with its ids."""

    signing_key: Pem
    key_id: Annotated[str, Text(max=20, min=5, pattern=r"[A-Z0-9]+")]
    team_id: Annotated[str, Text(max=20, min=5, pattern=r"[A-Z0-9]+")]
    bundle_id: Annotated[str, Text(max=155, min=3, pattern=r"[A-Za-z0-9.-]+")]
    sandbox: bool = False


@document
class PushApps:
    """The organization's own app, on one platform or both."""

    fcm: FcmApp | None = None
    apns: ApnsApp | None = None


OwnChannel = EmailSender | SmsSender | WhatsappSender | TelegramBot | ViberBot | PushApps
INPUTS: dict[Channel, type] = {
    "email": EmailSender,
    "sms": SmsSender,
    "whatsapp": WhatsappSender,
    "push": PushApps,
    "telegram": TelegramBot,
    "viber": ViberBot,
}
SECRETS: dict[Channel, frozenset[str]] = {
    "email": frozenset(),
    "sms": frozenset(),
    "whatsapp": frozenset({"auth_token"}),
    "push": frozenset({"fcm", "apns"}),
    "telegram": frozenset({"bot_token"}),
    "viber": frozenset({"auth_token"}),
}
"""Top-level fields that are write-only."""


@document
class DnsRecord:
    """A record that the owner of a domain has to set."""

    type: Literal["CNAME", "TXT", "MX"]
    name: str
    value: str


@value
class OwnSender:
    """An own sender as its provider's adapter needs it: who is seen, plain settings, and secrets."""

    sender: str
    settings: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


@value
class StoredChannel:
    """An own sender as it is kept.

    `phase`: `reserved`, its provider was never heard yet; `connected`; `leaving`, given up, its provider's side not
    undone yet. `stated` and `kept` are what is not secret of what was stated and of what the provider's side needs;
    `sealed` holds the rest, and `trying` the secrets of an attempt whose outcome is not stored. `secrets` names the
    stated secrets that are set. `version` is the item's, 0 for one that is not stored.
    """

    id: str
    channel: Channel
    version: int = 0
    revision: int = 0
    phase: Literal["reserved", "connected", "leaving"] = "reserved"
    sender: str = ""
    stated: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    dns_records: tuple[DnsRecord, ...] = ()
    problem: str | None = None
    changed_at: str = ""
    sealed: str | None = field(default=None, repr=False)
    trying: str | None = field(default=None, repr=False)

    def opened(self, secrets: Mapping[str, str]) -> OwnSender:
        """Give it as its provider's adapter needs it."""
        return OwnSender(self.sender, {**self.stated, **self.kept}, dict(secrets))


def split(channel: Channel, stated: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Part a stated sender into what may be shown and what is secret, both as texts; what is empty is left out."""
    texts = {name: _text(value) for name, value in stated.items() if value is not None}
    secret = SECRETS[channel]
    return (
        {name: text for name, text in texts.items() if name not in secret},
        {name: text for name, text in texts.items() if name in secret},
    )


def seen_as(channel: Channel, stated: Mapping[str, Any]) -> str:
    """Say what people would see a stated sender as, where no provider is asked."""
    named = {"email": "from_address", "sms": "sender_id", "whatsapp": "sender", "viber": "name"}.get(channel)
    return str(stated[named]) if named is not None else f"test {channel}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
