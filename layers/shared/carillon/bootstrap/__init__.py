"""Joins configuration, adapters and services: one function per Lambda, in the module of its kind.

A door has the module of its name; `planning`, `dispatching`, `senders`, `receipts`, `jobs` and `sweeping` stand behind
the queues, and `outbound` has what those share that send. They are apart so that a function imports no more than it
uses.
"""

import os
from datetime import datetime
from functools import cache
from typing import TypeVar

from carillon.adapters.aws import client
from carillon.adapters.dynamodb.table import Table
from carillon.adapters.system import SystemClock
from carillon.ports.system import Clock
from carillon.runtime.config import load

C = TypeVar("C")


class _Clock:
    """Reads `bootstrap.clock` at each call, so that it can be replaced whenever the services were made."""

    def now(self) -> datetime:
        """Give the current instant."""
        return clock.now()


clock: Clock = SystemClock()
"""The clock of the process; a local runner or a test replaces it."""
current_clock: Clock = _Clock()
"""What services are given."""


def config(cls: type[C]) -> C:
    """Read a configuration class from the process's environment."""
    return load(cls, os.environ)


@cache
def table(name: str) -> Table:
    """Give the table."""
    return Table(client("dynamodb"), name)
