"""Plays the steps against a local cloud and gathers what it says came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from bench.recount_compare import Listing, Seen
from local.replay.bookings import BookingFile
from local.replay.client import CloudClient
from local.replay.steps import Step

ORGANIZATION = "replay"
MANAGER = "manager@example.org"
# Messages are kept for two years here, and reminders are listed by day for a week after: gathered on the way.
_GATHER = timedelta(days=6)
_OUTBOX_EVERY = 10
_TAIL = timedelta(days=2)
PROBE = "probe"


def set_up(client: CloudClient, file: BookingFile, name: str = ORGANIZATION) -> tuple[str, dict[str, Any]]:
    """Make the organization, its manager and the staff that the file names; answers key and settings."""
    key = client.make_organization(name, file.time_zone, file.locale, file.country)
    settings = client.api("set up", "GET", "/v1/settings", key)
    reminders = [
        {**reminder, "enabled": reminder["enabled"] or reminder["key"] == "hour_before"}
        for reminder in settings["reminders"]
    ]
    values = {"reminders": reminders, "retention_days": 730, "manager": {"email": MANAGER, "mobile": None}}
    settings = client.change_settings(key, values)
    for member, email in staff_of(file).items():
        body = {"name": member, "email": email, "roles": ["collaborator"]}
        client.api("set up", "PUT", f"/v1/staff/{member}", key, body)
    return key, settings


def staff_of(file: BookingFile) -> dict[str, str]:
    """Answer the staff that a file names, with the e-mail addresses that they get here."""
    changes = [change for booking in file.bookings for change in booking.changes]
    names = {name for booking in file.bookings for name in booking.staff}
    names.update(name for change in changes for name in change.values.get("staff", ()))
    return {name: f"{name}@example.org" for name in sorted(names)}


def whatsapp_has_templates(client: CloudClient, key: str) -> bool:
    """Find out with one appointment whether WhatsApp goes out or lacks approved templates; it is left out of counts."""
    start = (client.now + timedelta(days=1)).replace(tzinfo=None, microsecond=0)
    body = {
        "client": {
            "id": PROBE,
            "first_name": "Probe",
            "last_name": "Probe",
            "phone": "+3197010999999",
            "consents": {"service": {"whatsapp": True}, "source": PROBE},
        },
        "start": start.isoformat(),
        "duration_minutes": 60,
        "status": "booked",
        "notify": False,
    }
    client.api("set up", "PUT", f"/v1/appointments/{PROBE}", key, body)
    body["status"] = "completed"
    client.api("set up", "PUT", f"/v1/appointments/{PROBE}", key, body)
    client.move_to(client.now)
    messages = client.items("set up", "/v1/messages", key, client_id=PROBE)
    return any(message["channel"] == "whatsapp" and message["status"] != "suppressed" for message in messages)


class Player:
    """Runs the clock from the first step to the last, stating each at its instant."""

    def __init__(self, client: CloudClient, key: str, progress: Callable[[int, datetime], None]) -> None:
        self._client = client
        self._key = key
        self._progress = progress
        self._gathered_to = client.now.replace(minute=0, second=0, microsecond=0)
        self._probes: set[str] = set()
        self._outbox: list[dict[str, Any]] = []
        self.seen = Seen()
        self.latest = timedelta()

    def play(self, steps: Sequence[Step]) -> Seen:
        """Play all steps and two days more. Raises RefusedError."""
        done = 0
        for at, group in groupby(steps, key=lambda step: step.at):
            while at - self._gathered_to > _GATHER:
                self._gather(self._gathered_to + _GATHER)
            self._client.move_to(at)
            for step in group:
                self._state(step)
                done += 1
            self.latest = max(self.latest, self._client.now - at)
            self._progress(done, at)
        self._gather(self._end(steps))
        self._read_outbox()
        self.seen.outbox = [item for item in self._outbox if item["message_id"] not in self._probes]
        return self.seen

    def _end(self, steps: Sequence[Step]) -> datetime:
        """Answer when all is over: after the last step, and after the start of what is still booked."""
        last = {step.record: step for step in steps}.values()
        starts = [datetime.fromisoformat(step.body["start"]) for step in last if step.body["status"] == "booked"]
        return max([steps[-1].at, *(start.replace(tzinfo=UTC) for start in starts)]) + _TAIL

    def _state(self, step: Step) -> None:
        body = dict(step.body)
        if step.client is not None and step.inline:
            body.pop("client_id")
            body["client"] = step.client
        elif step.client is not None:
            path = f"/v1/clients/{step.client['id']}"
            self._client.api("create clients", "PUT", path, self._key, step.client)
        path = f"/v1/appointments/{step.record}"
        answer = self._client.api("state appointments", "PUT", path, self._key, body)
        self.seen.answers.append((answer["events"], answer["reminders"]))

    def _gather(self, until: datetime) -> None:
        """Read messages made, and reminders due, since the last time."""
        self._client.move_to(until)
        window = {"from": _text(self._gathered_to), "to": _text(until)}
        for message in self._client.items("list messages", "/v1/messages", self._key, **window):
            if message["client_id"] == PROBE:
                self._probes.add(message["id"])
            else:
                self.seen.messages[message["id"]] = message
        listed = self._client.items("list reminders", "/v1/reminders", self._key, **window)
        reminders = [reminder for reminder in listed if reminder["client_id"] != PROBE]
        self.seen.listings.append(Listing(self._gathered_to, until, reminders))
        self._gathered_to = until
        if len(self.seen.listings) % _OUTBOX_EVERY == 0:
            self._read_outbox()

    def _read_outbox(self) -> None:
        """Read on: an entry names its message only as long as that is kept."""
        path = f"/outbox.json?after={len(self._outbox)}"
        self._outbox += self._client.tools("read the outbox", "GET", path)["items"]


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
