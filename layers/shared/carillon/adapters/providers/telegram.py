"""Telegram through the Bot API: plain text from the organization's own bot. No receipts: it ends at `sent`."""

from carillon.adapters.providers.bot_http import READ_SECONDS, BotHttp, NeverSent, NoAnswer
from carillon.adapters.providers.telegram_codes import OK, outcome_of
from carillon.ports.delivery import Outcome, Outgoing


class TelegramBotApi:
    """See the port `Provider`."""

    def __init__(self, api_url: str, *, read_seconds: float = READ_SECONDS) -> None:
        self._http = BotHttp(api_url, read_seconds=read_seconds)

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one message. There is no formatting mode, so whatever people typed stays what they typed."""
        token = outgoing.own.secrets.get("bot_token") if outgoing.own is not None else None
        if not token:
            return Outcome("misconfigured", code="no_credentials")
        request = {
            "chat_id": outgoing.to,
            "text": outgoing.rendered.text,
            # A preview would have Telegram's servers fetch a person's private links.
            "link_preview_options": {"is_disabled": True},
        }
        try:
            reply = self._http.post(f"/bot{token}/sendMessage", request)
        except NeverSent as error:
            return Outcome("retry", code=str(error))
        except NoAnswer as error:
            return Outcome("unknown", reason=error.reason, code=error.code)
        if reply.status != OK or reply.document.get("ok") is False:
            stated = reply.document.get("error_code")
            status = stated if reply.status == OK and isinstance(stated, int) else reply.status
            return outcome_of(status, reply.document, outgoing.attempt)
        sent = reply.document.get("result")
        if not isinstance(sent, dict) or "message_id" not in sent:
            # It may well have been sent.
            return Outcome("unknown", reason="connection_lost", code="unreadable_answer")
        return Outcome("accepted", provider_id=str(sent["message_id"]))
