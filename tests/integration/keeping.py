"""Keeps what moto's services hold, and puts it back: making every queue and table anew took half of each test."""

import copyreg
from copy import deepcopy
from threading import Condition, RLock
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BaseBackend

from local.template import ACCOUNT_ID
from tests.integration.account import REGION

SERVICES = ("dynamodb", "dynamodbstreams", "sqs", "sns", "ses", "sesv2", "scheduler", "secretsmanager", "kms")
# moto's queues have locks, which nothing holds between two tests: a copy gets its own.
copyreg.pickle(type(RLock()), lambda _: (RLock, ()))
copyreg.pickle(Condition, lambda _: (Condition, ()))

Kept = dict[str, dict[str, Any]]
"""Per service, the attributes of its backend."""


def keep() -> Kept:
    """Copy what every service holds."""
    return {name: deepcopy(vars(_backend(name))) for name in SERVICES}


def restore(kept: Kept) -> None:
    """Give every service a copy of what it held."""
    for name, attributes in kept.items():
        backend = vars(_backend(name))
        backend.clear()
        backend.update(deepcopy(attributes))


def _backend(name: str) -> BaseBackend:
    services: Any = get_backend(name)  # type: ignore[call-overload]
    found: BaseBackend = services[ACCOUNT_ID][REGION]
    return found
