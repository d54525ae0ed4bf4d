"""Where the core and the outside meet for texts: an organization's own, and WhatsApp's approved templates."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from carillon.domain.channels import Channel
from carillon.domain.listing import Page
from carillon.domain.messages import MessageKey
from carillon.domain.organizations import Organization
from carillon.domain.own_texts import OwnTexts, Place
from carillon.domain.settings import Settings
from carillon.domain.templates import OwnText
from carillon.domain.trials import TrialText
from carillon.domain.values import value
from carillon.domain.whatsapp import ApprovedText
from carillon.ports.delivery import Rendered
from carillon.ports.directory import AuditEntry
from carillon.ports.reading import Snapshot


@value
class Submitted:
    """A text as it was made at Twilio; `status` is Twilio's word for its approval (`approved` counts)."""

    name: str
    content_sid: str
    text: str
    variables: Mapping[str, str]
    status: str


@value
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


# --- An organization's own texts -------------------------------------------------------------------------------------


@value
class StoredText:
    """What is stored at an address: the text in force, or None since it was given up; versions go on all the same."""

    version: int
    text: OwnText | None
    at: str


@value
class TemplateView:
    """What the templates' services read at once: the organization, its settings, and what stands at some addresses."""

    organization: Organization
    settings: Settings
    texts: Mapping[Place, StoredText]
    own: OwnTexts


@value
class TextChange:
    """A text as it is to be (None: the built-in one again), over what was read."""

    place: Place
    before: StoredText | None
    text: OwnText | None
    audit: AuditEntry


@value
class TextVersion:
    """One version of an own text: what it was, since when, and who wrote it."""

    version: int
    text: OwnText | None
    at: str
    actor: Mapping[str, str]


class TemplateStore(Protocol):
    """Own texts with their versions."""

    def read(self, org_id: str, places: Sequence[Place], *, listed: bool = False) -> TemplateView:
        """Read in one call; `listed`: also which own texts there are. NotFound without the organization."""

    def texts(self, org_id: str, places: Sequence[Place]) -> dict[Place, StoredText]:
        """Read what stands at addresses."""

    def save(self, org_id: str, change: TextChange) -> Literal["saved", "overtaken", "full"]:
        """Write a text, its version, its audit entry and the list of own texts at once."""

    def versions(self, org_id: str, place: Place, limit: int, position: str | None) -> Page[TextVersion]:
        """List the versions of a text, newest first."""


class Texts(Protocol):
    """Checks, shows and tries texts."""

    def check(self, *, channel: Channel, text: OwnText) -> None:
        """Check a text as it is to be stored; raises TemplateInvalid with every mistake at its line and column."""

    def built_in(self, place: Place) -> OwnText:
        """Give the built-in text of a place's language (English for one that has none), as a template."""

    def preview(self, place: Place, text: OwnText | None, settings: Settings, about: Snapshot | None) -> Rendered:
        """Render an own text (None: the built-in one) with sample data, or about a record that was read.

        Raises RenderingFailed.
        """


class TrialTexts(Protocol):
    """Texts of tests, beside their messages."""

    def put(self, org_id: str, key: MessageKey, trial: TrialText, until: datetime) -> None:
        """Keep what a test sends until then."""
