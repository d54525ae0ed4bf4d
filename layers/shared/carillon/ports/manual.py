"""What manual messages need: words, files, the address book, and one write for all of a message."""

from collections.abc import Callable, Sequence
from typing import Protocol

from carillon.domain.attachments import StoredFile
from carillon.domain.idempotency import StoredAnswer
from carillon.domain.manual import Written
from carillon.domain.messages import Message, MessageKey
from carillon.domain.settings import Settings
from carillon.domain.values import value
from carillon.ports.delivery import Attachment
from carillon.ports.reading import Snapshot

Remember = Callable[[Message], StoredAnswer]
"""Makes the stored answer of a call that may be repeated."""


@value
class Draft:
    """Words as the person would read them; `approved`: they are those of an approved WhatsApp template."""

    written: Written
    approved: bool = False


class Writing(Protocol):
    """Writes manual messages out."""

    def from_template(self, message: Message, snapshot: Snapshot, *, public_url: str) -> Draft:
        """Fill the text of the message's template for its recipient; raises RenderingFailed.

        On WhatsApp the approved one, unless free text may go.
        """

    def in_own_words(
        self, message: Message, snapshot: Snapshot, text: str, subject: str | None, *, public_url: str
    ) -> Draft:
        """Put words that somebody typed into the form of their channel; they are data, and never run."""


class WrittenTexts(Protocol):
    """What manual messages say, beside the messages."""

    def find(self, org_id: str, key: MessageKey) -> Written | None:
        """Read it; None when it is gone."""


class ManualStore(WrittenTexts, Protocol):
    """Manual messages with their words."""

    def accept(
        self, org_id: str, message: Message, written: Written, remember: StoredAnswer | None, *, settings: Settings
    ) -> None:
        """Store a message, its words, the units it takes and the call's answer at once.

        Raises RepeatedError, or Exhausted where too few units are left.
        """


class Files(Protocol):
    """Files that go with messages, kept for some days."""

    def keep(self, org_id: str, message_id: str, files: Sequence[Attachment]) -> list[StoredFile]:
        """Keep files, before the message that they belong to is stored."""

    def fetch(self, org_id: str, file: StoredFile) -> Attachment:
        """Read a file; raises FileGone."""


class FileGone(Exception):
    """The file is not kept any more."""
