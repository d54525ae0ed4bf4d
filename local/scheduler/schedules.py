"""Schedules and groups: kept in the store, created, changed and deleted as the service does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from local.clock import SimulatedClock
from local.scheduler.expressions import Expression, parse
from local.scheduler.rules import ApiError, check_name, check_schedule, check_token
from local.store import Store
from local.template import ACCOUNT_ID

DEFAULT_GROUP = "default"
_OPTIONAL = ("Description", "StartDate", "EndDate", "ScheduleExpressionTimezone", "KmsKeyArn")
_LIST_LIMIT = 100


class Schedules:
    """All schedules of the account, on the simulated clock."""

    def __init__(self, store: Store, clock: SimulatedClock, region: str, roles: Collection[str]) -> None:
        self._store = store
        self._clock = clock
        self._region = region
        self._roles = frozenset(roles)
        self.ensure_group(DEFAULT_GROUP)

    # ---- groups

    def create_group(self, name: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Make a group. Raises ApiError (ConflictException) if there is one of that name."""
        check_name(name)
        check_token(document.get("ClientToken"))
        if self._group_document(name) is not None:
            raise ApiError("ConflictException", 409, f"Schedule group {name} already exists.")
        return {"ScheduleGroupArn": self._put_group(name)["Arn"]}

    def ensure_group(self, name: str) -> None:
        """Make a group unless there is one."""
        if self._group_document(name) is None:
            self._put_group(name)

    def get_group(self, name: str) -> dict[str, Any]:
        """Answer a group. Raises ApiError (ResourceNotFoundException)."""
        document = self._group_document(name)
        if document is None:
            raise ApiError("ResourceNotFoundException", 404, f"Schedule group {name} does not exist.")
        return document

    def delete_group(self, name: str) -> dict[str, Any]:
        """Delete a group with all its schedules."""
        self.get_group(name)
        self._store.execute("DELETE FROM schedules WHERE group_name = ?", (name,))
        self._store.execute("DELETE FROM schedule_groups WHERE name = ?", (name,))
        return {}

    def list_groups(self) -> dict[str, Any]:
        """Answer all groups."""
        rows = self._store.execute("SELECT document FROM schedule_groups ORDER BY name").fetchall()
        return {"ScheduleGroups": [json.loads(row[0]) for row in rows]}

    def _group_document(self, name: str) -> dict[str, Any] | None:
        row = self._store.execute("SELECT document FROM schedule_groups WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def _put_group(self, name: str) -> dict[str, Any]:
        now = self._clock.time()
        document = {
            "Arn": f"arn:aws:scheduler:{self._region}:{ACCOUNT_ID}:schedule-group/{name}",
            "Name": name,
            "State": "ACTIVE",
            "CreationDate": now,
            "LastModificationDate": now,
        }
        self._store.execute("INSERT INTO schedule_groups VALUES (?, ?)", (name, json.dumps(document)))
        return document

    # ---- schedules

    def create(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Make a schedule. Raises ApiError for what AWS refuses."""
        group = self._check_address(name, request.get("GroupName"))
        expression = check_schedule(request, self._clock.now(), self._roles)
        existing = self._find(group, name)
        if existing is not None:
            if request.get("ClientToken") and existing.get("ClientToken") == request["ClientToken"]:
                return {"ScheduleArn": existing["Arn"]}
            raise ApiError("ConflictException", 409, f"Schedule {name} already exists.")
        return self._put(group, name, request, expression, self._clock.time())

    def update(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Replace a schedule whole: what the request leaves out returns to its default."""
        group = self._check_address(name, request.get("GroupName"))
        existing = self._existing(group, name)
        expression = check_schedule(request, self._clock.now(), self._roles)
        return self._put(group, name, request, expression, existing["CreationDate"])

    def get(self, name: str, group: str | None) -> dict[str, Any]:
        """Answer a schedule. Raises ApiError (ResourceNotFoundException)."""
        document = self._existing(self._check_address(name, group), name)
        document.pop("ClientToken", None)
        return document

    def delete(self, name: str, group: str | None) -> dict[str, Any]:
        """Delete a schedule. Raises ApiError (ResourceNotFoundException)."""
        checked = self._check_address(name, group)
        self._existing(checked, name)
        self.remove(checked, name)
        return {}

    def list(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Answer a page of summaries, by group, name prefix and state."""
        limit = int(query.get("MaxResults", _LIST_LIMIT))
        rows = self._store.execute(
            "SELECT document FROM schedules WHERE (? IS NULL OR group_name = ?) AND name LIKE ? || '%' "
            "AND group_name || '/' || name > ? ORDER BY group_name || '/' || name LIMIT ?",
            (
                query.get("ScheduleGroup"),
                query.get("ScheduleGroup"),
                query.get("NamePrefix", ""),
                query.get("NextToken", ""),
                limit + 1,
            ),
        ).fetchall()
        documents = [json.loads(row[0]) for row in rows]
        summaries = [_summary(d) for d in documents[:limit] if query.get("State", d["State"]) == d["State"]]
        answer: dict[str, Any] = {"Schedules": summaries}
        if len(documents) > limit:
            answer["NextToken"] = f"{documents[limit - 1]['GroupName']}/{documents[limit - 1]['Name']}"
        return answer

    # ---- what the firing needs

    def next_due(self) -> float | None:
        """Answer when the next schedule fires."""
        due: float | None = self._store.execute("SELECT MIN(due) FROM schedules").fetchone()[0]
        return due

    def due(self, now: float) -> Iterator[tuple[float, dict[str, Any]]]:
        """Answer the schedules that are due, in order, with their instants."""
        rows = self._store.execute(
            "SELECT due, document FROM schedules WHERE due <= ? ORDER BY due, name", (now,)
        ).fetchall()
        for due, document in rows:
            yield due, json.loads(document)

    def fired(self, document: Mapping[str, Any], due: float) -> None:
        """Set a schedule's next instant, or complete it: deleted, or kept without one."""
        group, name = document["GroupName"], document["Name"]
        following = self._following(document, datetime.fromtimestamp(due, UTC))
        if following is None and document["ActionAfterCompletion"] == "DELETE":
            self.remove(group, name)
        else:
            self._store.execute(
                "UPDATE schedules SET due = ? WHERE group_name = ? AND name = ?", (following, group, name)
            )

    def remove(self, group: str, name: str) -> None:
        """Take a schedule away."""
        self._store.execute("DELETE FROM schedules WHERE group_name = ? AND name = ?", (group, name))

    def _check_address(self, name: str, group: str | None) -> str:
        check_name(name)
        group = group or DEFAULT_GROUP
        check_name(group, "groupName")
        self.get_group(group)
        return group

    def _find(self, group: str, name: str) -> dict[str, Any] | None:
        row = self._store.execute(
            "SELECT document FROM schedules WHERE group_name = ? AND name = ?", (group, name)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def _existing(self, group: str, name: str) -> dict[str, Any]:
        document = self._find(group, name)
        if document is None:
            raise ApiError("ResourceNotFoundException", 404, f"Schedule {name} does not exist.")
        return document

    def _put(
        self, group: str, name: str, request: Mapping[str, Any], expression: Expression, created: float
    ) -> dict[str, Any]:
        now = self._clock.now()
        document = {
            "Arn": f"arn:aws:scheduler:{self._region}:{ACCOUNT_ID}:schedule/{group}/{name}",
            "GroupName": group,
            "Name": name,
            "ScheduleExpression": request["ScheduleExpression"],
            "FlexibleTimeWindow": request["FlexibleTimeWindow"],
            "Target": request["Target"],
            "State": request.get("State", "ENABLED"),
            "ActionAfterCompletion": request.get("ActionAfterCompletion", "NONE"),
            "ClientToken": request.get("ClientToken"),
            "CreationDate": created,
            "LastModificationDate": now.timestamp(),
            **{key: request[key] for key in _OPTIONAL if request.get(key) is not None},
        }
        first = expression.after(now - timedelta(microseconds=1))
        due = self._within(document, first) if document["State"] == "ENABLED" else None
        self._store.execute("REPLACE INTO schedules VALUES (?, ?, ?, ?)", (group, name, due, json.dumps(document)))
        return {"ScheduleArn": document["Arn"]}

    def _following(self, document: Mapping[str, Any], moment: datetime) -> float | None:
        expression = str(document["ScheduleExpression"])
        if expression.startswith("at("):
            return None
        begins = datetime.fromtimestamp(document.get("StartDate") or document["CreationDate"], UTC)
        zone = document.get("ScheduleExpressionTimezone", "UTC")
        # The window's delay may have carried `moment` past the intended instant, never past the next one.
        return self._within(document, parse(expression, zone, begins).after(moment))

    def _within(self, document: Mapping[str, Any], instant: datetime | None) -> float | None:
        """Answer when inside its flexible window, if it has one, an occurrence fires; None after the end."""
        if instant is None:
            return None
        seconds = instant.timestamp()
        if document.get("EndDate") is not None and seconds > document["EndDate"]:
            return None
        minutes = document["FlexibleTimeWindow"].get("MaximumWindowInMinutes", 0)
        share = int.from_bytes(hashlib.sha256(document["Arn"].encode()).digest()[:4]) / 2**32
        return float(seconds + minutes * 60 * share)


def _summary(document: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("Arn", "GroupName", "Name", "State", "CreationDate", "LastModificationDate")
    return {**{key: document[key] for key in keys}, "Target": {"Arn": document["Target"]["Arn"]}}
