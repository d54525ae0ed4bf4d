"""AWS clients: one per service and process, made on first use from a bare botocore session (boto3 adds only weight)."""

import gc
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

CONNECT_SECONDS, READ_SECONDS = 2, 5
CONNECTIONS = 20
DATA = Path(__file__).parent / "botocore_data"
"""Searched before botocore's own data: its list of every service's endpoints takes longer to read than all else."""


@cache
def _session() -> botocore.session.Session:
    session = botocore.session.get_session()
    session.set_config_variable("data_path", str(DATA))
    return session


def _made(service: str, config: Config) -> Any:
    # What a client is made of stays for the process's life, so collecting garbage meanwhile only walks it in vain.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _session().create_client(service, config=config)
    finally:
        if collecting:
            gc.enable()


@cache
def client(service: str) -> Any:
    """Make the client of a service whose calls may be repeated by it; never use it to send to a person."""
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": 4},
        tcp_keepalive=True,
    )
    return _made(service, config)


@cache
def sending_client(service: str, *, connect_seconds: float = 3, read_seconds: float = 7) -> Any:
    """Make the client of a service that sends to a person: one attempt, no hidden repetition, at most 10 seconds."""
    config = Config(
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": 1},
    )
    made = _made(service, config)
    made.meta.events.register("before-send", _on_its_own)
    return made


def _on_its_own(request: Any, **_: object) -> None:
    """Use a connection for one call: one that died while the function was frozen shows it only after the request."""
    request.headers["Connection"] = "close"
