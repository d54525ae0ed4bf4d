"""Calls to a bot's API: one JSON post, one answer, and an exact line between never sent and who knows.

Each call has a connection of its own. One kept open would save two round trips, but a function that was frozen in
between finds it dead only after it wrote a request there, and a message of which nobody knows stays unsent.

Credentials are in the path or the headers, so neither may reach a log: urllib3's own lines name paths, and are off.
"""

import json
import logging
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as TimedOut

from carillon.domain.values import value

CONNECT_SECONDS = 2.0
"""Per address of the host, of which there are one or two."""
READ_SECONDS = 6.0
PATIENT_SECONDS = 9.0
"""For setting a bot up: its provider may call us back before it answers, and nothing is claimed meanwhile."""
MOST_BYTES = 65_536
"""No answer that we read is longer."""


class NeverSent(Exception):
    """No connection came about, so nothing was asked for. The text names what happened, and nothing of the request."""


class NoAnswer(Exception):
    """The request may have been read, and its answer was lost; `reason` is the contract's."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(code)
        self.reason = reason
        self.code = code


@value
class Reply:
    """What a bot's API answered; `document` is empty where it is no JSON object."""

    status: int
    document: Mapping[str, Any]


class BotHttp:
    """Posts JSON to an API at a base address; waits `read_seconds` for an answer."""

    def __init__(self, base_url: str, *, read_seconds: float = READ_SECONDS) -> None:
        self._base = urlsplit(base_url)
        self._read_seconds = read_seconds
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)

    def post(self, path: str, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Reply:
        """Post once; raises NeverSent or NoAnswer, from nothing, so that no traceback carries the request."""
        # Half a surrogate pair, which a person can paste, is nothing that UTF-8 can say.
        body = json.dumps(document, ensure_ascii=False).encode(errors="replace")
        sent = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
        connection = self._connection()
        try:
            _connect(connection)
            connection.timeout = self._read_seconds
            return _ask(connection, self._base.path.rstrip("/") + path, body, sent | dict(headers or {}))
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        host, port = self._base.hostname or "", self._base.port
        if self._base.scheme == "http":
            return HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        return HTTPSConnection(host, port, timeout=CONNECT_SECONDS, ssl_context=_trusted())


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _connect(connection: HTTPConnection) -> None:
    failed = None
    try:
        connection.connect()
    except (HTTPError, OSError) as error:
        failed = type(error).__name__
    if failed is not None:
        raise NeverSent(failed)


def _ask(connection: HTTPConnection, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    lost = None
    try:
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        # Read by ourselves, or urllib3 has read all of it by then, however long it is.
        connection.request("POST", path, body=body, headers=headers, preload_content=False)
        answer = connection.getresponse()
        return Reply(answer.status, _document(answer.read(MOST_BYTES)))
    except (TimedOut, TimeoutError):
        lost = NoAnswer("provider_timeout", "timeout")
    except Exception as error:  # noqa: BLE001 - whatever broke after the connection stood leaves it open what was read
        lost = NoAnswer("connection_lost", type(error).__name__)
    raise lost


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
