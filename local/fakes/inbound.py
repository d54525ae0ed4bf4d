"""A client's reply, posted to the API as the provider would post it."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping

import aiohttp

from local.fakes.callbacks import signed_form
from local.fakes.twilio import Twilio
from local.outbox import Outbox
from local.provision import WHATSAPP_SENDER

_TIMEOUT_S = 30.0


class Inbound:
    """Replies over the channels that can be replied to."""

    def __init__(
        self,
        twilio: Twilio,
        outbox: Outbox,
        session: aiohttp.ClientSession,
        api_url: str,
        chats: Mapping[str, Callable[[str, str], Awaitable[int]]],
    ) -> None:
        self._twilio = twilio
        self._outbox = outbox
        self._session = session
        self._api_url = api_url
        self._chats = chats

    async def deliver(self, channel: str, sender: str, text: str) -> int:
        """Post the reply; answers the status. Raises ValueError for a channel that takes none."""
        if channel in self._chats:
            return await self._chats[channel](sender, text)
        if channel != "whatsapp":
            raise ValueError(f"the local cloud has no replies over {channel}")
        to = self._last_sender(sender)
        accounts, number = self._twilio.accounts, to.removeprefix("whatsapp:")
        account = accounts.of_number(number) or self._twilio.account_sid
        self._twilio.note_inbound(f"whatsapp:{sender}", to)
        sid = "SM" + uuid.uuid4().hex
        parameters = {
            "SmsMessageSid": sid,
            "NumMedia": "0",
            "ProfileName": "",
            "MessageType": "text",
            "SmsSid": sid,
            "WaId": sender.lstrip("+"),
            "SmsStatus": "received",
            "Body": text,
            "To": to,
            "NumSegments": "1",
            "ReferralNumMedia": "0",
            "MessageSid": sid,
            "AccountSid": account,
            "From": f"whatsapp:{sender}",
            "ApiVersion": "2010-04-01",
        }
        # An own number's sender has an address of its own; the shared one's is set by whoever deploys.
        url = accounts.inbound_url(number) or f"{self._api_url}/callbacks/twilio/inbound"
        headers, body = signed_form(accounts.token(account), url, parameters)
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with self._session.post(url, data=body, headers=headers, timeout=timeout) as response:
            return response.status

    def _last_sender(self, phone: str) -> str:
        """Find the sender that last wrote to this phone, whose messages a person would reply to."""
        for entry in reversed(self._outbox.entries()):
            if entry["channel"] == "whatsapp" and entry["to"] == phone:
                return f"whatsapp:{entry['from']}"
        return WHATSAPP_SENDER
