"""What the local cloud itself has to remember: one SQLite file, written through at once.

Schedules, messages that reached a provider, and deliveries that are still to be made outlive a restart here.
Documents are JSON; the columns beside them are only what is searched for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS schedule_groups (name TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS schedules (
    group_name TEXT NOT NULL, name TEXT NOT NULL, due REAL, document TEXT NOT NULL,
    PRIMARY KEY (group_name, name));
CREATE INDEX IF NOT EXISTS schedules_due ON schedules (due);
CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS outbox_id ON outbox (id);
CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, due REAL NOT NULL, document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS waiting_due ON waiting (kind, due);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, document TEXT NOT NULL);
"""
_TABLES = ("schedule_groups", "schedules", "outbox", "waiting", "notes")


class Store:
    """The SQLite file. All its methods are quick enough to be called from the event loop."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        # Survives the end of the process, though not of the machine, which is all a development tool needs.
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def clear(self) -> None:
        """Forget everything."""
        for table in _TABLES:
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the tuple above

    def get_note(self, name: str) -> Any:
        """Read a small named value, or None."""
        row = self._db.execute("SELECT document FROM notes WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def put_note(self, name: str, value: Any) -> None:
        """Write a small named value."""
        self._db.execute("REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(value)))

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run one statement of the modules that keep their own table here."""
        return self._db.execute(sql, parameters)


class Waiting:
    """Things of one kind that are to be done at simulated instants, oldest first."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store = store
        self._kind = kind

    def add(self, due: float, document: Mapping[str, Any]) -> None:
        """Remember something to do at `due`."""
        self._store.execute(
            "INSERT INTO waiting (kind, due, document) VALUES (?, ?, ?)", (self._kind, due, json.dumps(document))
        )

    def next_due(self) -> float | None:
        """Answer when the first of them is due, or None."""
        row = self._store.execute("SELECT MIN(due) FROM waiting WHERE kind = ?", (self._kind,)).fetchone()
        due: float | None = row[0]
        return due

    def take(self, now: float) -> Iterator[tuple[float, dict[str, Any]]]:
        """Take out, in order, what is due."""
        rows = self._store.execute(
            "SELECT number, due, document FROM waiting WHERE kind = ? AND due <= ? ORDER BY due, number",
            (self._kind, now),
        ).fetchall()
        for number, due, document in rows:
            self._store.execute("DELETE FROM waiting WHERE number = ?", (number,))
            yield due, json.loads(document)
