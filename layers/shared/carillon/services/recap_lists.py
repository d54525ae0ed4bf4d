"""What a recap says, read when it is sent: the day's list as it is now, with the people it names."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Lock

from carillon.domain.messages import Message
from carillon.domain.recaps import about, his_own, on_the_list, span
from carillon.domain.records import StoredRecord
from carillon.domain.settings import Settings
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.recaps import Days
from carillon.ports.system import Clock

FRESH = timedelta(seconds=5)
"""How old what a message is checked against may be."""


class RecapLists:
    """Completes what is known of a recap that is about to be sent.

    Ten messages of a batch are mostly ten people of one organization: within a few seconds they share one reading.
    """

    def __init__(self, reader: Reader, days: Days, clock: Clock) -> None:
        self._reader = reader
        self._days = days
        self._clock = clock
        self._lock = Lock()
        self._latest: tuple[tuple[str, date, str], datetime, list[StoredRecord]] | None = None

    def complete(self, org_id: str, message: Message, snapshot: Snapshot) -> Snapshot:
        """Add the recipient's list, and the clients and staff on it."""
        if snapshot.settings is None:
            return snapshot
        kind, day = about(message)
        listed = self._of_day(org_id, day, snapshot.settings)
        if kind == "staff":
            listed = his_own(listed, message.staff_id or "")
        people = Want(
            org_id,
            clients=tuple(dict.fromkeys(record.appointment.client_id for record in listed)),
            staff=tuple(dict.fromkeys(staff_id for record in listed for staff_id in record.staff_ids)),
        )
        named = self._reader.read([people])[0] if listed else snapshot
        return replace(
            snapshot,
            day=tuple(listed),
            clients={**snapshot.clients, **named.clients},
            staff={**named.staff, **snapshot.staff},
        )

    def _of_day(self, org_id: str, day: date, settings: Settings) -> list[StoredRecord]:
        wanted, now = (org_id, day, settings.time_zone), self._clock.now()
        with self._lock:
            if self._latest is not None and self._latest[0] == wanted and now - self._latest[1] <= FRESH:
                return self._latest[2]
            records = self._days.between(org_id, *span(day, settings.time_zone))
            listed = on_the_list(records, day, settings)
            self._latest = wanted, now, listed
            return listed
