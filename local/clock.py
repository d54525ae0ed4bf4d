"""The one clock of the local cloud, shared by all its processes through a small mapped file.

The file holds two doubles: the offset to the machine's time in seconds, and the instant at which the clock
stands still (0 while it runs). Each is written in one machine word, so a reader never sees half a value.
"""

from __future__ import annotations

import mmap
import os
import time
from datetime import UTC, datetime
from pathlib import Path

_BYTES = 16
_OFFSET, _FROZEN = 0, 1


class SimulatedClock:
    """Reads, and for the owner also moves, the clock kept in `path`. Instants are Unix seconds (float)."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.fstat(handle).st_size < _BYTES:
                os.ftruncate(handle, _BYTES)
            self._map = mmap.mmap(handle, _BYTES)
        finally:
            os.close(handle)
        self._words = memoryview(self._map).cast("d")

    def time(self) -> float:
        """Read the simulated Unix time in seconds."""
        return self._words[_FROZEN] or time.time() + self._words[_OFFSET]

    def now(self) -> datetime:
        """Read the simulated instant, aware, in UTC: the same method as the port `Clock`."""
        return datetime.fromtimestamp(self.time(), UTC)

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still (while it is being moved)."""
        return bool(self._words[_FROZEN])

    def freeze(self) -> None:
        """Stop the clock where it is."""
        self._words[_FROZEN] = self.time()

    def jump(self, instant: float) -> None:
        """Move the stopped clock forward to `instant`; an earlier instant leaves it where it is."""
        self._words[_FROZEN] = max(instant, self._words[_FROZEN])

    def unfreeze(self) -> None:
        """Let the clock run on from where it stands."""
        frozen = self._words[_FROZEN]
        if frozen:
            self._words[_OFFSET] = frozen - time.time()
            self._words[_FROZEN] = 0.0
