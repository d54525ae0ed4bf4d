"""Reading whatever a use case needs in one batch."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from carillon.domain.clients import Client, Staff
from carillon.domain.messages import Message, MessageKey
from carillon.domain.organizations import Organization
from carillon.domain.own_texts import OwnTexts
from carillon.domain.posted import PostedEvent
from carillon.domain.records import StoredRecord
from carillon.domain.rules import RulesInForce
from carillon.domain.same_day import Day
from carillon.domain.settings import Settings
from carillon.domain.values import value


@value
class Want:
    """What to read of one data set; the organization and its settings always come along.

    `texts`: also which own texts it has.
    """

    org_id: str
    record: str | None = None
    clients: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    rules: bool = False
    texts: bool = False
    messages: tuple[MessageKey, ...] = ()


@value
class Snapshot:
    """What was read, strongly consistent; what does not exist is None or missing.

    `day`: the list of a recap. `same_day`: the client's other appointments of the record's day, for a reminder.
    `posted`: a posted event, which lies where records do (`events/<id>`).
    """

    organization: Organization | None
    settings: Settings | None
    rules: RulesInForce
    record: StoredRecord | None = None
    clients: Mapping[str, Client] = field(default_factory=dict)
    staff: Mapping[str, Staff] = field(default_factory=dict)
    messages: Mapping[MessageKey, Message] = field(default_factory=dict)
    own_texts: OwnTexts = field(default_factory=OwnTexts)
    day: tuple[StoredRecord, ...] = ()
    same_day: Day | None = None
    posted: PostedEvent | None = None


class Reader(Protocol):
    """Reads whatever a use case needs in one batch."""

    def read(self, wants: Sequence[Want]) -> list[Snapshot]:
        """Read everything wanted in one call per 100 items, in the order of the wants."""

    def all_staff(self, org_id: str) -> dict[str, Staff]:
        """Read every member of staff of an organization."""
