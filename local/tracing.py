"""Which message of ours an entry of the outbox was."""

from __future__ import annotations

from typing import Any

from local.backend import Backend
from local.outbox import Outbox


class MessageTracer:
    """Finds a message's id and organization by the provider's id that was stored with it."""

    def __init__(self, outbox: Outbox, backend: Backend) -> None:
        self._outbox = outbox
        self._backend = backend
        self._known: dict[str, tuple[str, str]] = {}

    async def entries(self) -> list[dict[str, Any]]:
        """Answer the outbox's entries with message_id and organization_id, null where nothing is known of them."""
        entries = self._outbox.entries()
        if any(entry["provider_id"] not in self._known for entry in entries):
            found = await self._backend.call("messages")
            self._known |= {provider_id: (id_, org) for provider_id, id_, org in found}
        return [self._shown(entry) for entry in entries]

    def _shown(self, entry: dict[str, Any]) -> dict[str, Any]:
        message_id, organization_id = self._known.get(entry["provider_id"], (None, None))
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
            "at": entry["at"],
            "organization_id": organization_id,
        }
