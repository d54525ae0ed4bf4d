"""Where the core and the outside meet for WhatsApp's approved templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from carillon.domain.whatsapp import ApprovedText


@dataclass(frozen=True, slots=True)
class Submitted:
    """A text as it was made at Twilio; `status` is Twilio's word for its approval (`approved` counts)."""

    name: str
    content_sid: str
    text: str
    variables: Mapping[str, str]
    status: str


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """The template of a text: the one in use, and a newer one that waits for its approval.

    A changed text goes out in its old form until Meta has approved the new one.
    """

    key: str
    audience: str
    locale: str
    current: Submitted
    waiting: Submitted | None = None


class ContentStore(Protocol):
    """The templates of the shared sender, under the reserved tenant `@`."""

    def all(self) -> list[StoredTemplate]:
        """Read every template."""

    def put(self, template: StoredTemplate) -> None:
        """Store a template, in place of the one of the same text."""

    def find(self, key: str, audience: str, locale: str) -> StoredTemplate | None:
        """Find an approved template; None when there is none."""


class ContentApi(Protocol):
    """Twilio's Content API. A refusal raises ContentRefused."""

    def names(self) -> dict[str, str]:
        """List the templates of the account: ContentSid by friendly name."""

    def create(self, text: ApprovedText) -> str:
        """Make a template; gives its ContentSid."""

    def submit(self, content_sid: str, text: ApprovedText) -> str:
        """Hand a template in for WhatsApp's approval; gives the status."""

    def status(self, content_sid: str) -> str:
        """Ask how the approval stands."""


class ContentRefused(Exception):
    """Twilio did not do what was asked; the message says what and why, without credentials."""


class ApprovedTexts(Protocol):
    """The texts that WhatsApp is to approve."""

    def approved(self) -> Sequence[ApprovedText]:
        """List them all."""
