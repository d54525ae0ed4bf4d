"""A WhatsApp number of the organization's own: its Twilio account is asked whether it is there and online.

What people write to the number is to come here, because it opens the window for free text and carries opt-outs, so the
sender's inbound address is set to ours.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from carillon.adapters.providers.twilio_api import TwilioApi, TwilioRefused, TwilioUnreachable
from carillon.domain.own_channels import OwnSender
from carillon.ports.channels import ChannelRefused, ChannelUnreachable, Connected

T = TypeVar("T")
UNAUTHORIZED = (401, 403)
NOT_FOUND = 404
AGAIN = "#rc=5&rp=all"
"""Has Twilio repeat what met an error of ours; it is no part of what Twilio signs."""
ONLINE = frozenset({"ONLINE", "ONLINE:UPDATING"})


class WhatsappAdmin:
    """See the port `ChannelAdmin`. `api_url` is Twilio's; `public_url` is where Twilio reaches the API."""

    def __init__(self, *, api_url: str, public_url: str) -> None:
        self._api_url = api_url
        self._public_url = public_url

    def connect(self, _org_id: str, channel_id: str, stated: Mapping[str, Any], before: OwnSender | None) -> Connected:
        """Find the number among the account's senders, and have what people write to it come here."""
        connected = self._look(stated["account_sid"], stated["auth_token"], stated["sender"], channel_id)
        if before is not None and _place(before) != (stated["account_sid"], stated["sender"]):
            self._let_go(channel_id, before)
        return connected

    def check(self, _org_id: str, channel_id: str, own: OwnSender) -> Connected:
        """Look again."""
        account_sid, sender = _place(own)
        return self._look(account_sid, own.secrets["auth_token"], sender, channel_id)

    def disconnect(self, _org_id: str, channel_id: str, own: OwnSender) -> None:
        """Have nothing come here any more; an account that lets us in no longer has nothing to undo."""
        self._let_go(channel_id, own)

    def _look(self, account_sid: str, auth_token: str, sender: str, channel_id: str) -> Connected:
        api = TwilioApi(account_sid, auth_token, api_url=self._api_url)
        account = _asked(api.account)
        if account.get("status", "active") != "active":
            raise ChannelRefused(f"the Twilio account is {account['status']}", "/account_sid")
        known = next((each for each in _asked(api.whatsapp_senders) if _number(each) == sender), None)
        if known is None:
            raise ChannelRefused("the Twilio account has no WhatsApp sender with this number", "/sender")
        inbound = self._inbound(channel_id)
        if _inbound_of(known) != inbound:
            _asked(lambda: api.set_inbound_url(known["sid"], inbound))
        status = str(known.get("status", ""))
        return Connected(
            active=status in ONLINE,
            sender=sender,
            kept={"sender_sid": str(known["sid"])},
            problem=None if status in ONLINE else f"Twilio says that the sender is {status or 'in no known state'}",
        )

    def _let_go(self, channel_id: str, own: OwnSender) -> None:
        account_sid, sender = _place(own)
        api = TwilioApi(account_sid, own.secrets.get("auth_token", ""), api_url=self._api_url)
        inbound = self._inbound(channel_id)
        try:
            for known in api.whatsapp_senders():
                # An address that somebody has set since is theirs.
                if _number(known) == sender and _inbound_of(known) == inbound:
                    api.set_inbound_url(str(known["sid"]), "")
        except TwilioRefused:
            return
        except TwilioUnreachable as error:
            raise ChannelUnreachable(str(error)) from None

    def _inbound(self, channel_id: str) -> str:
        return f"{self._public_url}/callbacks/twilio/inbound?c={channel_id}{AGAIN}"


def _place(own: OwnSender) -> tuple[str, str]:
    return own.settings.get("account_sid", ""), own.settings.get("sender", "")


def _number(sender: Mapping[str, Any]) -> str:
    return str(sender.get("sender_id", "")).removeprefix("whatsapp:")


def _inbound_of(sender: Mapping[str, Any]) -> str | None:
    return (sender.get("webhook") or {}).get("callback_url")


def _asked(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except TwilioRefused as error:
        if error.status in UNAUTHORIZED or error.status == NOT_FOUND:
            raise ChannelRefused("Twilio does not accept these credentials", "/auth_token") from None
        raise ChannelRefused(f"Twilio refuses (error {error.code or error.status})") from None
    except TwilioUnreachable as error:
        raise ChannelUnreachable(str(error)) from None
