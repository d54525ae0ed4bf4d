"""The queues between the functions, and the schedules that feed them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from carillon.domain.channels import Channel
from carillon.domain.messages import MessageKey
from carillon.domain.records import Reminded, reminder_name
from carillon.domain.values import value


@value
class Due:
    """A reminder that is due: the entry of the plan it stands for; `early` and `audience` as there.

    `staff`: whom its dispatcher will need to read, as far as is known now, which spares a second read.
    """

    org_id: str
    record: str
    client_id: str
    key: str
    start: datetime
    at: datetime
    generation: int
    early: datetime | None = None
    audience: Reminded = "client"
    staff: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tells it from the other reminders of its record and start."""
        return reminder_name(self.key, self.audience)

    @property
    def fires(self) -> datetime:
        """When its schedule fires."""
        return self.early or self.at


@value
class Ready:
    """A stored message that is to be sent.

    `record`, `client_id` and `staff` say what else its sender will need, which spares a second read. `at`: when its
    turn comes, if not now. `delay`: the seconds that its queue holds it back, at most 15 minutes. `paced`: the turn was
    given by the organization's rate, and is not waited for twice. `patient`: others go ahead of it in a burst.
    `deadline`: when it expires, where that is known.
    """

    org_id: str
    channel: Channel
    key: MessageKey
    record: str
    client_id: str
    staff: tuple[str, ...] = ()
    delay: int = 0
    at: datetime | None = None
    paced: bool = False
    patient: bool = False
    deadline: datetime | None = None


class Queues(Protocol):
    """The queues between the functions."""

    def send_ready(self, messages: Sequence[Ready]) -> None:
        """Put stored messages on the queues of their channels."""

    def send_due(self, reminders: Sequence[Due]) -> None:
        """Put reminders on the due queue at once."""

    def send_job(self, job: Mapping[str, Any], *, delay: int = 0) -> None:
        """Put a job on the jobs queue, to be done after `delay` seconds."""

    def send_wait(self, message: Ready, at: datetime) -> None:
        """Have a job see to it that a stored message comes to its channel's queue at a later instant."""


class Schedules(Protocol):
    """One-time, immutable schedules: each is made once and deleted, never changed."""

    def create(self, reminder: Due) -> None:
        """Schedule a reminder; one that is scheduled already is fine."""

    def wait(self, message: Ready, at: datetime) -> None:
        """Have a stored message put on its channel's queue at an instant; one that waits for it already is fine."""

    def delete(self, reminder: Due) -> None:
        """Delete a reminder's schedule; one that is gone already is fine."""

    def forget(self, org_id: str, key: MessageKey, at: datetime) -> None:
        """Delete the schedule of a stored message that waits; one that is gone already is fine."""
