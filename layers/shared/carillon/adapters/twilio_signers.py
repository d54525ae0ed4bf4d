"""By whose token a callback of Twilio is signed: the deployment's account, or an organization's own.

A callback names its account, which proves nothing: the account only says whose token to try. Whose it may be comes from
what we gave away ourselves, the signed name of the message or the id of the channel, and that organization's sender
must be of the account that is named.
"""

from collections.abc import Callable

from carillon.adapters.bot_webhooks import BotWebhooks, CalledBot
from carillon.adapters.providers.twilio_callbacks import form, is_signed
from carillon.adapters.secrets import Secrets
from carillon.domain.values import value
from carillon.ports.delivery import Tokens


@value
class Signed:
    """A callback that is genuine. `org_id`: whose own account it came from; None: the deployment's."""

    org_id: str | None = None


class TwilioSigners:
    """Checks callbacks."""

    def __init__(self, shared: Callable[[], Secrets], tokens: Tokens, senders: BotWebhooks) -> None:
        self._shared = shared
        self._tokens = tokens
        self._senders = senders

    def of(
        self, url: str, body: str, signature: str | None, *, token: str | None = None, channel_id: str | None = None
    ) -> Signed | None:
        """Tell who signed; None: nobody we know.

        `url` is the address as Twilio was given it, with its query; `token` the message's and `channel_id` the
        channel's, where the address carries one.
        """
        if not signature:
            return None
        if is_signed(self._shared().twilio_auth_token, url, body, signature):
            return Signed()
        account_sid = dict(form(body)).get("AccountSid", "")
        called = self._called(token, channel_id)
        for sender in called.senders if called is not None and account_sid else ():
            if sender.settings.get("account_sid") != account_sid:
                continue
            if called is not None and is_signed(sender.secrets.get("auth_token", ""), url, body, signature):
                return Signed(called.org_id)
        return None

    def _called(self, token: str | None, channel_id: str | None) -> CalledBot | None:
        named = self._tokens.read(token) if token else None
        if named is not None:
            return self._senders.of(named[0], "whatsapp")
        return self._senders.find("whatsapp", channel_id) if channel_id else None
