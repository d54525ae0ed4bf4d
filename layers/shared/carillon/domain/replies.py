"""Replies: what people write back, and how it is kept."""

import unicodedata
from datetime import datetime, timedelta

from carillon.domain.channels import Channel
from carillon.domain.consents import Opt
from carillon.domain.constraints import BIDI_CONTROLS
from carillon.domain.ids import digest
from carillon.domain.values import value

KEPT = timedelta(days=90)
LONGEST = 2000
"""Characters of a reply that are kept."""
WORDING = 500
"""Characters of a reply that its consent-ledger entry quotes."""


@value
class Reply:
    """What a person wrote to a sender of the organization's.

    `address`: E.164, a Telegram chat's id, or a Viber user's. `provider_id` names the message to its provider: one that
    comes twice is one. `to`: which own sender it was written to, empty: the deployment's. `answered`: the provider has
    answered an opt-out itself, so it is not confirmed once more.
    """

    channel: Channel
    address: str
    text: str
    provider_id: str
    at: datetime
    to: str = ""
    answered: bool = False

    @property
    def key(self) -> str:
        """What is the same however often its provider brings it."""
        return digest("reply", self.channel, self.provider_id)


@value
class StoredReply:
    """A reply as kept: `id` is a ULID. `in_reply_to`: the message it most probably answers, about `record`.

    `opt`: what it asks for, if it does; `confirm`: whether that is to be confirmed. `settled`: everything that follows
    from it has been done.
    """

    id: str
    key: str
    channel: Channel
    address: str
    text: str
    at: datetime
    client_id: str | None = None
    in_reply_to: str | None = None
    record: str | None = None
    opt: Opt | None = None
    confirm: bool = False
    settled: bool = True


@value
class ReplyFilter:
    """Which replies; `former`: ids that were merged into the client's."""

    channel: Channel | None = None
    client_id: str | None = None
    former: tuple[str, ...] = ()


def neutral(text: str, longest: int = LONGEST) -> str:
    """Give a stranger's text without what could do harm where it is shown: controls, overrides, endless length."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (char if char == "\n" or _shown(char) else " " for char in lines[: 2 * longest])
    return "".join(kept).strip()[:longest]


def _shown(char: str) -> bool:
    return char not in BIDI_CONTROLS and unicodedata.category(char) not in ("Cc", "Cs")
