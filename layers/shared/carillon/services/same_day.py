"""Reads the other appointments of a client's day, where the settings have them share a reminder."""

from dataclasses import replace

from carillon.domain.clients import Client
from carillon.domain.decide import in_force
from carillon.domain.messages import Occasion, reminder_places
from carillon.domain.records import StoredRecord
from carillon.domain.same_day import Day, Earlier, arranged, span
from carillon.domain.settings import Settings
from carillon.domain.values import value
from carillon.ports.reading import Reader, Snapshot, Want
from carillon.ports.same_day import ClientDays


@value
class SameDay:
    """One query, and one read where there are other appointments round that time."""

    reader: Reader
    days: ClientDays

    def with_day(self, org_id: str, snapshot: Snapshot, client: Client | None, key: str | None) -> Snapshot:
        """Add the day of a record to what was read, for a reminder of its client; else leave it as it is."""
        record, settings = snapshot.record, snapshot.settings
        if record is None or settings is None or client is None or key is None or not settings.collapse_same_day:
            return snapshot
        reminder = in_force(client, key)
        if reminder is None or not reminder.when.ahead_of_start or record.collection != "appointments":
            return snapshot
        return replace(snapshot, same_day=self._read(org_id, record, client, settings, key))

    def _read(self, org_id: str, record: StoredRecord, client: Client, settings: Settings, key: str) -> Day:
        since, until = span(record.appointment, settings.time_zone)
        found = self.days.starting(org_id, client.id, since, until)
        others = [(start, ref) for start, ref in found if ref != record.ref and ref.startswith(f"{record.collection}/")]
        if not others:
            return Day()
        wants = []
        for start, ref in others:
            occasion = Occasion(ref, reminder=key, start=start)
            ids = (client.id, *client.merged)
            places = [place for each in ids for place in reminder_places(org_id, occasion, each)]
            wants.append(Want(org_id, record=ref, messages=tuple(places)))
        read = self.reader.read(wants)
        return arranged(
            record,
            [Earlier(each.record, tuple(each.messages.values())) for each in read if each.record is not None],
            settings.time_zone,
        )
