"""How far an import has come, beside its file, so that one that broke off goes on where it stopped.

Losing it does no harm: ids are the same each time, and what is stated twice changes nothing.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from tools.importing.faults import BadLine


@dataclass
class Progress:
    """Which lines are done, and which of them were refused.

    `what`: the file, its mapping, and whose data it is. `run`: names this run to the API, so that a call of it that
    broke off is known again, and one of tomorrow's run is not taken for it.
    """

    path: Path
    what: str
    done: set[int] = field(default_factory=set)
    refused: list[BadLine] = field(default_factory=list)
    run: str = field(default_factory=lambda: secrets.token_hex(8))

    @classmethod
    def of(cls, file: Path, what: str) -> Progress:
        """Find the progress of this very import, or begin it."""
        path = file.with_name(f"{file.name}.progress")
        found = cls(path, what)
        try:
            kept = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return found
        if kept.get("what") == what:
            found.run = kept["run"]
            found.done = set(kept["done"])
            found.refused = [BadLine(*each) for each in kept["refused"]]
        return found

    def begin(self) -> None:
        """Note the run before its first call."""
        self.note([], [])

    def note(self, lines: list[int], refused: list[BadLine]) -> None:
        """Note lines as done; the file is replaced at once, never half written."""
        self.done |= set(lines)
        self.refused += refused
        kept = {
            "what": self.what,
            "run": self.run,
            "done": sorted(self.done),
            "refused": [[each.line, each.column, each.reason] for each in self.refused],
        }
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_text(json.dumps(kept), "utf-8")
        beside.replace(self.path)

    def finish(self) -> None:
        """Forget it: all is done."""
        self.path.unlink(missing_ok=True)
