"""Which process is at the other end of a local connection (Linux only)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_LOCAL_ADDRESS, _INODE = 1, 9


def process_at(port: int, candidates: Iterable[int]) -> int:
    """Find the one of these processes that holds the connection from local `port`; 0 if none does."""
    try:
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return 0
    sockets = {
        f"socket:[{fields[_INODE]}]"
        for fields in (line.split() for line in lines)
        if int(fields[_LOCAL_ADDRESS].rsplit(":", 1)[1], 16) == port
    }
    return next((process for process in candidates if sockets & _open(process)), 0)


def _open(process: int) -> set[str]:
    try:
        return {str(entry.readlink()) for entry in Path(f"/proc/{process}/fd").iterdir()}
    except OSError:
        return set()
