"""Which message of ours an entry of the outbox was."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from local.backend import Backend
from local.outbox import Outbox

_TOKEN = re.compile(r"[A-Za-z0-9_-]{21,256}")
_SIGNATURE = 20
_PARTS = 3


class MessageTracer:
    """Finds a message's id and organization by the provider's id stored with it, or by the token in the call.

    The token helps where the provider's answer was lost, and the message never learnt the provider's id. A push message
    goes to several devices and carries its own id to each.
    """

    def __init__(self, outbox: Outbox, backend: Backend) -> None:
        self._outbox = outbox
        self._backend = backend
        self._known: dict[str, tuple[str, str]] = {}

    async def entries(self) -> list[dict[str, Any]]:
        """Answer the outbox's entries with message_id and organization_id, null where nothing is known of them."""
        entries = self._outbox.entries()
        unknown = [entry for entry in entries if entry["id"] not in self._known]
        if unknown:
            await self._look_up(unknown)
        return [self._shown(entry) for entry in entries]

    async def _look_up(self, entries: list[dict[str, Any]]) -> None:
        by_provider_id: dict[str, tuple[str, str]] = {}
        by_id: dict[str, tuple[str, str]] = {}
        by_key: dict[tuple[str, str], tuple[str, str]] = {}
        for provider_id, message_id, pk, sk in await self._backend.call("messages"):
            found = (message_id, pk.split("#", 1)[0].split("~", 1)[0])
            by_key[pk, sk] = by_id[message_id] = found
            if provider_id is not None:
                by_provider_id[provider_id] = found
        for entry in entries:
            traced = by_provider_id.get(entry["provider_id"]) or by_id.get(entry["marker"])
            if traced is None:
                keys = (named_key(token) for token in _TOKEN.findall(entry["marker"]))
                traced = next((by_key[key] for key in keys if key in by_key), None)
            if traced is not None:
                self._known[entry["id"]] = traced

    def _shown(self, entry: dict[str, Any]) -> dict[str, Any]:
        message_id, organization_id = self._known.get(entry["id"], (None, None))
        return {
            "id": entry["id"],
            "message_id": message_id,
            "channel": entry["channel"],
            "provider": entry["provider"],
            "to": entry["to"],
            "from": entry["from"],
            "subject": entry["subject"],
            "text": entry["text"],
            "html": entry["html"],
            "attachments": entry["attachments"],
            "headers": entry.get("headers", {}),
            "at": entry["at"],
            "organization_id": organization_id,
        }


def named_key(token: str) -> tuple[str, str] | None:
    """Read which item a message's token names; its signature is the functions' business."""
    text = token[_SIGNATURE:]
    try:
        parts = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("\x1f")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (f"{parts[0]}#P#{parts[1]}", f"M#{parts[2]}") if len(parts) == _PARTS else None
