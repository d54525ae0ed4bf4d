"""An organization's Viber bot: who it is, and where it tells what happens in its chats."""

from collections.abc import Mapping
from typing import Any

from carillon.adapters.providers.bot_http import PATIENT_SECONDS, BotHttp, NeverSent, NoAnswer
from carillon.adapters.providers.viber_codes import OK, RETRY
from carillon.adapters.providers.viber_events import EVENTS
from carillon.domain.own_channels import OwnSender
from carillon.ports.channels import ChannelRefused, ChannelUnreachable, Connected

INVALID_URL = 1
INVALID_TOKEN = 2
UNUSABLE = {7: "is blocked", 8: "is not known", 9: "is suspended", 15: "is not authorized"}
"""What Viber's status says of the bot."""


class ViberAdmin:
    """See the port `ChannelAdmin`. `public_url`: where the outside world reaches the API."""

    def __init__(self, api_url: str, public_url: str) -> None:
        self._http = BotHttp(api_url, read_seconds=PATIENT_SECONDS)
        self._public_url = public_url

    def connect(self, _org_id: str, channel_id: str, stated: Mapping[str, Any], before: OwnSender | None) -> Connected:
        """Ask who the bot is, and have its events come here; Viber tries that address before it answers."""
        token = str(stated["auth_token"])
        connected = self._set_up(token, channel_id, str(stated["name"]))
        old = before.secrets.get("auth_token") if before is not None else None
        if old is not None and old != token:
            self._silence(old, channel_id)
        return connected

    def check(self, _org_id: str, channel_id: str, own: OwnSender) -> Connected:
        """Ask again, and set the webhook again, whoever may have moved it meanwhile."""
        return self._set_up(own.secrets["auth_token"], channel_id, own.settings.get("name", own.sender))

    def disconnect(self, _org_id: str, channel_id: str, own: OwnSender) -> None:
        """Have the bot tell nothing here any more; one that was connected elsewhere since is left alone."""
        token = own.secrets.get("auth_token")
        if token is not None:
            self._silence(token, channel_id)

    def _set_up(self, token: str, channel_id: str, name: str) -> Connected:
        account = self._call(token, "get_account_info", {})
        uri = account.get("uri")
        if not isinstance(uri, str) or not uri:
            raise ChannelUnreachable("Viber's answer could not be read")
        webhook = {
            "url": self._webhook(channel_id),
            "event_types": list(EVENTS),
            # Names and pictures of people are nothing that we need.
            "send_name": False,
            "send_photo": False,
        }
        self._call(token, "set_webhook", webhook)
        return Connected(active=True, sender=name, kept={"uri": uri})

    def _silence(self, token: str, channel_id: str) -> None:
        try:
            if self._call(token, "get_account_info", {}).get("webhook") == self._webhook(channel_id):
                self._call(token, "set_webhook", {"url": ""})
        except ChannelRefused:
            return  # a token that was revoked calls nobody

    def _webhook(self, channel_id: str) -> str:
        return f"{self._public_url}/callbacks/viber/{channel_id}"

    def _call(self, token: str, method: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a method of the REST API; each of ours may be repeated."""
        try:
            reply = self._http.post(f"/pa/{method}", request, {"X-Viber-Auth-Token": token})
        except (NeverSent, NoAnswer):
            raise ChannelUnreachable("Viber did not answer") from None
        status = reply.document.get("status")
        if reply.status != OK or not isinstance(status, int) or status in RETRY:
            raise ChannelUnreachable(f"Viber answered with status {status if reply.status == OK else reply.status}")
        if status == INVALID_TOKEN:
            raise ChannelRefused("Viber does not know this authentication token", "/auth_token")
        if status in UNUSABLE:
            raise ChannelRefused(f"Viber says that the bot {UNUSABLE[status]}", "/auth_token")
        if status == INVALID_URL:
            raise ChannelRefused("Viber could not call this deployment's address: is it reachable over HTTPS?")
        if status != 0:
            raise ChannelRefused(f"Viber refuses with status {status}")
        return reply.document
