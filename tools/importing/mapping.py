"""Which column is what: by the names that we know, and by a mapping file for all others."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tools.importing.dates import Order
from tools.importing.faults import FileError

Kind = Literal["clients", "appointments"]
CLIENT_COLUMNS = (
    "id",
    "first_name",
    "last_name",
    "name",
    "email",
    "phone",
    "locale",
    "time_zone",
    "tags",
    "enrolled",
    "allow_shared_contact",
    "service_consent",
    "marketing_consent",
    "consent_source",
    "consent_wording",
    "consent_at",
)
APPOINTMENT_COLUMNS = (
    "id",
    "client_id",
    "client_first_name",
    "client_last_name",
    "client_name",
    "client_email",
    "client_phone",
    "start",
    "date",
    "time",
    "end",
    "end_time",
    "duration_minutes",
    "time_zone",
    "status",
    "service",
    "location",
    "staff_ids",
    "price",
    "currency",
    "manage_url",
)
COLUMNS: dict[Kind, tuple[str, ...]] = {"clients": CLIENT_COLUMNS, "appointments": APPOINTMENT_COLUMNS}
FIELD = "fields."
"""In front of a name: a value of the integrator's own, as `fields.room`."""
_SECTIONS = {"file", "columns", "values", "defaults"}
_FILE = {"kind", "encoding", "delimiter", "dates"}


@dataclass
class Mapping:
    """`columns`: our name → the file's. `values`: our name → what stands in the file → what is meant.

    `defaults`: our name → what a cell means that is empty or missing.
    """

    kind: Kind | None = None
    encoding: str | None = None
    delimiter: str | None = None
    dates: Order | None = None
    columns: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    text: str = ""

    def of(self, columns: list[str], kind: Kind | None) -> Columns:
        """Find the columns of a file; raises FileError when a mapped one is missing or its kind can't be told."""
        chosen = kind or self.kind or _kind(columns, self.columns)
        known = COLUMNS[chosen]
        missing = sorted({theirs for theirs in self.columns.values() if theirs not in columns})
        if missing:
            raise FileError(f"the mapping names columns that the file doesn't have: {', '.join(missing)}")
        strange = [name for name in [*self.columns, *self.defaults] if name not in known and not name.startswith(FIELD)]
        if strange:
            raise FileError(f"the mapping names {', '.join(strange)}, which {chosen} don't have: {', '.join(known)}")
        found = {_plain(name): name for name in columns if name not in self.columns.values()}
        named = {name: found[name] for name in known if name in found and name not in self.columns}
        named |= {name: theirs for name, theirs in found.items() if name.startswith(FIELD)}
        mapped = named | self.columns
        return Columns(chosen, mapped, [name for name in columns if name not in mapped.values()])


@dataclass(frozen=True)
class Columns:
    """The columns of a file: our name → the file's, and those that are left out."""

    kind: Kind
    named: dict[str, str]
    left_out: list[str]


def load(path: Path | None) -> Mapping:
    """Read a mapping file; raises FileError when it is none."""
    if path is None:
        return Mapping()
    try:
        text = path.read_text("utf-8")
        data: dict[str, Any] = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise FileError(f"{path} is no mapping: {error}") from error
    told = data.get("file", {})
    strange = sorted({*data} - _SECTIONS) + sorted({*told} - _FILE)
    if strange:
        raise FileError(f"{path}: {', '.join(strange)} is not known there")
    if told.get("kind") not in (None, *COLUMNS) or told.get("dates") not in (None, "day-first", "month-first"):
        raise FileError(f"{path}: kind is clients or appointments, dates is day-first or month-first")
    folded = {name: {_fold(key): str(item) for key, item in of.items()} for name, of in data.get("values", {}).items()}
    return Mapping(
        kind=told.get("kind"),
        encoding=told.get("encoding"),
        delimiter=told.get("delimiter"),
        dates=told.get("dates"),
        columns={name: str(item) for name, item in data.get("columns", {}).items()},
        values=folded,
        defaults={name: str(item) for name, item in data.get("defaults", {}).items()},
        text=text,
    )


def _kind(columns: list[str], mapped: dict[str, str]) -> Kind:
    names = {*map(_plain, columns), *mapped}
    if names & {"start", "date"}:
        return "appointments"
    if names & {"first_name", "name", "last_name"}:
        return "clients"
    raise FileError("neither clients (first_name or name) nor appointments (start, or date and time): map the columns")


def _plain(name: str) -> str:
    return "_".join(name.casefold().replace("-", " ").replace("_", " ").split())


def _fold(text: str) -> str:
    return text.strip().casefold()
