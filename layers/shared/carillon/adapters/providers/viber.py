"""Viber through the REST Bot API: text from the organization's own bot, with our token for its receipts."""

from carillon.adapters.providers.bot_http import READ_SECONDS, BotHttp, NeverSent, NoAnswer
from carillon.adapters.providers.viber_codes import OK, outcome_of
from carillon.ports.delivery import Outcome, Outgoing

LONGEST_NAME = 28
OLDEST_CLIENT = 1
"""The least API version that a person's device needs: plain text has been there from the first."""


class ViberBotApi:
    """See the port `Provider`."""

    def __init__(self, api_url: str, *, read_seconds: float = READ_SECONDS) -> None:
        self._http = BotHttp(api_url, read_seconds=read_seconds)

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one message; its receipts bring the token back as tracking data."""
        token = outgoing.own.secrets.get("auth_token") if outgoing.own is not None else None
        if outgoing.own is None or not token:
            return Outcome("misconfigured", code="no_credentials")
        request = {
            "receiver": outgoing.to,
            "type": "text",
            "text": outgoing.rendered.text,
            "sender": {"name": (outgoing.own.sender or outgoing.sender_name)[:LONGEST_NAME]},
            "tracking_data": outgoing.token,
            "min_api_version": OLDEST_CLIENT,
        }
        try:
            reply = self._http.post("/pa/send_message", request, {"X-Viber-Auth-Token": token})
        except NeverSent as error:
            return Outcome("retry", code=str(error))
        except NoAnswer as error:
            return Outcome("unknown", reason=error.reason, code=error.code)
        accepted = reply.status == OK and reply.document.get("status") == 0
        if not accepted:
            return outcome_of(reply.status, reply.document, outgoing.attempt)
        message_token = reply.document.get("message_token")
        return Outcome("accepted", provider_id=str(message_token) if message_token is not None else None)
