"""An organization's Telegram bot: who it is, and where it tells what happens in its chats."""

from collections.abc import Mapping
from typing import Any

from carillon.adapters.providers.bot_http import PATIENT_SECONDS, BotHttp, NeverSent, NoAnswer
from carillon.adapters.providers.telegram_codes import OK, UNKNOWN_TOKEN
from carillon.adapters.providers.telegram_updates import UPDATES, webhook_secret
from carillon.domain.own_channels import OwnSender
from carillon.ports.channels import ChannelRefused, ChannelUnreachable, Connected

REFUSED = 400


class TelegramAdmin:
    """See the port `ChannelAdmin`. `public_url`: where the outside world reaches the API."""

    def __init__(self, api_url: str, public_url: str) -> None:
        self._http = BotHttp(api_url, read_seconds=PATIENT_SECONDS)
        self._public_url = public_url

    def connect(self, _org_id: str, channel_id: str, stated: Mapping[str, Any], before: OwnSender | None) -> Connected:
        """Ask who the bot is, and have its updates come here; a bot that it replaces tells nothing any more."""
        token = str(stated["bot_token"])
        connected = self._set_up(token, channel_id)
        old = before.secrets.get("bot_token") if before is not None else None
        if old is not None and _bot_id(old) != _bot_id(token):
            self._silence(old, channel_id)
        return connected

    def check(self, _org_id: str, channel_id: str, own: OwnSender) -> Connected:
        """Ask again, and set the webhook again, whoever may have moved it meanwhile."""
        return self._set_up(own.secrets["bot_token"], channel_id)

    def disconnect(self, _org_id: str, channel_id: str, own: OwnSender) -> None:
        """Have the bot tell nothing here any more; one that was connected elsewhere since is left alone."""
        token = own.secrets.get("bot_token")
        if token is not None:
            self._silence(token, channel_id)

    def _set_up(self, token: str, channel_id: str) -> Connected:
        found = self._call(token, "getMe", {})
        username = found.get("username") if isinstance(found, dict) else None
        if not isinstance(username, str) or not username:
            raise ChannelUnreachable("Telegram's answer could not be read")
        webhook = {
            "url": self._webhook(channel_id),
            "secret_token": webhook_secret(token, channel_id),
            "allowed_updates": list(UPDATES),
        }
        self._call(token, "setWebhook", webhook)
        return Connected(active=True, sender=f"@{username}", kept={"username": username})

    def _silence(self, token: str, channel_id: str) -> None:
        try:
            known = self._call(token, "getWebhookInfo", {})
            if isinstance(known, dict) and known.get("url") == self._webhook(channel_id):
                self._call(token, "deleteWebhook", {})
        except ChannelRefused:
            return  # a token that was revoked calls nobody

    def _webhook(self, channel_id: str) -> str:
        return f"{self._public_url}/callbacks/telegram/{channel_id}"

    def _call(self, token: str, method: str, request: Mapping[str, Any]) -> Any:
        """Call a method of the Bot API and give its result; each of ours may be repeated."""
        try:
            reply = self._http.post(f"/bot{token}/{method}", request)
        except (NeverSent, NoAnswer):
            raise ChannelUnreachable("Telegram did not answer") from None
        if reply.status in UNKNOWN_TOKEN:
            raise ChannelRefused("Telegram does not know this bot token", "/bot_token")
        if reply.status == REFUSED:
            raise ChannelRefused(f"Telegram refuses: {str(reply.document.get('description', ''))[:200]}")
        if reply.status != OK or reply.document.get("ok") is not True:
            raise ChannelUnreachable(f"Telegram answered with status {reply.status}")
        return reply.document.get("result")


def _bot_id(token: str) -> str:
    return token.partition(":")[0]
