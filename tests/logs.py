"""What was logged, entry by entry."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from carillon.runtime.logging import logger


@dataclass
class Log:
    """Lines written while listening."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@contextmanager
def listening() -> Iterator[Log]:
    """Collect what the process's logger writes."""
    log = Log()
    handler: Any = logger().registered_handler
    before = handler.setStream(log.stream)
    try:
        yield log
    finally:
        handler.setStream(before)
