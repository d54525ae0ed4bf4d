"""What can be wrong: with a line, or with the whole file."""

from __future__ import annotations

from dataclasses import dataclass


class FileError(Exception):
    """The file (or its mapping) can't be read at all; the message says what to do."""


@dataclass(frozen=True, order=True)
class BadLine:
    """What is wrong on a line, and in which column; never the cell itself, which may be somebody's data."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        """Say it for people."""
        place = f", {self.column!r}" if self.column else ""
        return f"line {self.line}{place}: {self.reason}"
