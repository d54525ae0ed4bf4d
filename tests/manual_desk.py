"""What manual messages need, in memory: words, files, and one write for all of a message."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from carillon.domain.attachments import StoredFile
from carillon.domain.idempotency import RepeatedError, StoredAnswer
from carillon.domain.manual import Written
from carillon.domain.messages import Message, MessageKey
from carillon.domain.quota import Books, Exhausted
from carillon.domain.settings import Settings
from carillon.ports.delivery import Attachment, RenderingFailed
from carillon.ports.manual import Draft, FileGone
from carillon.ports.reading import Snapshot
from tests.fakes import Account


@dataclass
class MemoryManualMessages:
    """See the port `ManualStore`; `left`: units that are left, None for as many as one likes."""

    account: Account
    words: dict[tuple[str, MessageKey], Written] = field(default_factory=dict)
    answers: dict[tuple[str, str], StoredAnswer] = field(default_factory=dict)
    left: int | None = None

    def find(self, org_id: str, key: MessageKey) -> Written | None:
        return self.words.get((org_id, key))

    def accept(
        self,
        org_id: str,
        message: Message,
        written: Written,
        remember: StoredAnswer | None,
        *,
        settings: Settings,  # noqa: ARG002 - nothing ends here
    ) -> None:
        if remember is not None and (org_id, remember.key) in self.answers:
            raise RepeatedError
        if self.left is not None and self.left < message.units and message.channel is not None:
            raise Exhausted(message.channel)
        self.account.messages[org_id, message.key] = message
        self.words[org_id, message.key] = written
        if remember is not None:
            self.answers[org_id, remember.key] = remember


@dataclass
class MemoryFiles:
    """See the port `Files`."""

    kept: dict[str, Attachment] = field(default_factory=dict)

    def keep(self, org_id: str, message_id: str, files: Sequence[Attachment]) -> list[StoredFile]:
        places = [f"{org_id}/{message_id}/{number}" for number in range(len(files))]
        self.kept |= dict(zip(places, files, strict=True))
        return [
            StoredFile(filename=file.filename, content_type=file.content_type, size=len(file.content), place=place)
            for place, file in zip(places, files, strict=True)
        ]

    def fetch(self, org_id: str, file: StoredFile) -> Attachment:
        if not file.place.startswith(f"{org_id}/") or file.place not in self.kept:
            raise FileGone("gone")
        return self.kept[file.place]


@dataclass
class PlainWriting:
    """See the port `Writing`: a template says its key; `approved` ones stand for WhatsApp's."""

    approved: frozenset[str] = frozenset()
    broken: bool = False

    def from_template(self, message: Message, snapshot: Snapshot, *, public_url: str) -> Draft:  # noqa: ARG002
        if self.broken:
            raise RenderingFailed("broken on purpose")
        written = Written(text=f"<{message.template}>", subject="subject" if message.channel == "email" else None)
        if message.template in self.approved:
            return Draft(replace(written, content_sid="HX" + "0" * 32), approved=True)
        return Draft(written)

    def in_own_words(
        self,
        message: Message,  # noqa: ARG002
        snapshot: Snapshot,  # noqa: ARG002
        text: str,
        subject: str | None,
        *,
        public_url: str,  # noqa: ARG002
    ) -> Draft:
        return Draft(Written(text=text, subject=subject))


@dataclass
class MemoryBooks:
    """See the port `Quota`, as far as it is asked."""

    left: int = 0

    def books(self, org_id: str, bucket: str) -> Books:  # noqa: ARG002
        return Books(pool=self.left)
