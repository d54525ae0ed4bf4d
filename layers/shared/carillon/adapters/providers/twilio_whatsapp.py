"""WhatsApp through Twilio's Messages API, from the shared number or from the organization's own account and number."""

import json
from collections.abc import Callable
from dataclasses import field
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlsplit

from requests.exceptions import ConnectionError as LostConnection
from requests.exceptions import ConnectTimeout, RequestException, Timeout
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import MaxRetryError, NewConnectionError

from carillon.adapters.providers.twilio_codes import outcome_of
from carillon.adapters.providers.twilio_lookup import match
from carillon.adapters.secrets import Secrets
from carillon.domain.own_channels import OwnSender
from carillon.domain.values import value
from carillon.ports.delivery import Found, LookUpFailed, Outcome, Outgoing

TIMEOUTS = (3.0, 7.0)
"""Seconds to connect and to wait. Twilio's own client waits for ever, and a function killed meanwhile knows nothing."""
PERSISTENT = "#rc=5&rp=all"
"""Twilio's connection overrides, which it leaves out of the request and its signature: a report that was not taken,
for whatever reason, comes up to five times again. Without them one that met an error of ours would be lost."""
LISTED = 200
"""Messages of one person and one day that are looked through."""
LONGEST_VALIDITY = 36_000
"""Seconds; Twilio keeps a message no longer."""


class AimedHttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's HTTP client with timeouts, aimed at another base address where one is set.

    Each call has a connection of its own: one that died while the function was frozen shows it only after the request.
    """

    def __init__(self, base_url: str, timeouts: tuple[float, float]) -> None:
        super().__init__(pool_connections=True)
        self.timeout = timeouts  # its constructor takes one number only, for both
        self.session.headers["Connection"] = "close"
        self._base = urlsplit(base_url)

    def request(self, method: str, uri: str, *args: Any, **kwargs: Any) -> Response:
        """Send a request to the same path of the base address."""
        aimed = urlsplit(uri)._replace(scheme=self._base.scheme, netloc=self._base.netloc).geturl()
        return super().request(method, aimed, *args, **kwargs)


@value
class Account:
    """Whose account and number a message goes from; `sender` is Twilio's form, `whatsapp:+15551234567`."""

    sid: str
    token: str = field(repr=False)
    sender: str


class TwilioWhatsapp:
    """See the port `Provider`."""

    def __init__(
        self,
        secrets: Callable[[], Secrets],
        *,
        sender: str,
        api_url: str,
        callback_url: str,
        timeouts: tuple[float, float] = TIMEOUTS,
    ) -> None:
        self._secrets = secrets
        self._sender = sender
        self._api_url = api_url
        self._callback_url = callback_url
        self._timeouts = timeouts
        self._http: AimedHttpClient | None = None

    def send(self, outgoing: Outgoing) -> Outcome:
        """Send one message; its status comes back to the callback address with our token."""
        account = self._account(outgoing.own)
        if not account.sid or not account.token:
            return Outcome("misconfigured", code="no_credentials")
        try:
            message = self._client(account).messages.create(**self._request(outgoing, account.sender))
        except (TwilioRestException, TwilioServiceException) as error:
            return outcome_of(error.code, error.status, outgoing.attempt)
        except ConnectTimeout as error:
            return Outcome("retry", code=type(error).__name__)
        except Timeout:
            return Outcome("unknown", reason="provider_timeout", code="timeout")
        except LostConnection as error:
            return _lost(error)
        except RequestException as error:
            return Outcome("unknown", reason="connection_lost", code=type(error).__name__)
        except (ValueError, TypeError, AttributeError):
            # A 2xx whose body is not what Twilio documents: it may well have been taken.
            return Outcome("unknown", reason="connection_lost", code="unreadable_answer")
        return Outcome("accepted", provider_id=message.sid)

    def find(self, outgoing: Outgoing, begin: datetime, end: datetime) -> Found | None:
        """Find a message whose answer was lost in Twilio's list; raises LookUpFailed. See the port `LookUp`."""
        account = self._account(outgoing.own)
        midnight = datetime.combine(begin.date(), time(), UTC)  # the list is filtered by days
        try:
            listed = self._client(account).messages.list(
                to=f"whatsapp:{outgoing.to}", from_=account.sender, date_sent_after=midnight, limit=LISTED
            )
        except TwilioException as error:
            # For a page that it can't fetch, the base class with the whole answer in its text, which may be personal.
            raise LookUpFailed(type(error).__name__) from None
        except RequestException as error:
            raise LookUpFailed(type(error).__name__) from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise LookUpFailed("unreadable_answer") from error
        return match(listed, outgoing.rendered.text, begin, end)

    def _account(self, own: OwnSender | None) -> Account:
        if own is not None:
            token = own.secrets.get("auth_token", "")
            return Account(own.settings.get("account_sid", ""), token, f"whatsapp:{own.settings['sender']}")
        secrets = self._secrets()
        return Account(secrets.twilio_account_sid, secrets.twilio_auth_token, self._sender)

    def _client(self, account: Account) -> Client:
        # One client of HTTP for every account, whose credentials go with each call.
        if self._http is None:
            self._http = AimedHttpClient(self._api_url, self._timeouts)
        return Client(account.sid, account.token, http_client=self._http)

    def _request(self, outgoing: Outgoing, sender: str) -> dict[str, Any]:
        rendered = outgoing.rendered
        request: dict[str, Any] = {
            "to": f"whatsapp:{outgoing.to}",
            "from_": sender,
            "status_callback": f"{self._callback_url}/callbacks/twilio/status?m={outgoing.token}{PERSISTENT}",
            "validity_period": min(LONGEST_VALIDITY, outgoing.valid_seconds),
        }
        if rendered.content_sid is None:
            return request | {"body": rendered.text}
        request["content_sid"] = rendered.content_sid
        if rendered.variables:
            request["content_variables"] = json.dumps(dict(rendered.variables), ensure_ascii=False)
        return request


def _lost(error: LostConnection) -> Outcome:
    """Tell a connection that never was from one that was lost after the request may have been read."""
    cause = error.args[0] if error.args else None
    never_was = isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    if never_was:
        return Outcome("retry", code="no_connection")
    return Outcome("unknown", reason="connection_lost", code="connection_lost")
