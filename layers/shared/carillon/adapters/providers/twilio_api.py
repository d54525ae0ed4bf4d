"""Calls to Twilio's APIs beside the sending of messages: as one account, with short waits and no hidden repetition."""

import json
from typing import Any
from urllib.parse import urlsplit

import urllib3

CONNECT_SECONDS, READ_SECONDS = 3, 7
PUBLIC = "api.twilio.com"
_OK = range(200, 300)
_SERVER_FAULT = 500
_TOO_MANY = 429


class TwilioRefused(Exception):
    """Twilio understood the call and refused it; `code` is Twilio's."""

    def __init__(self, status: int, code: int | None, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class TwilioUnreachable(Exception):
    """Twilio did not answer, or failed itself."""


class TwilioApi:
    """Talks to Twilio as one account; `api_url` is where the Messages API is, from which the others' hosts follow."""

    def __init__(self, account_sid: str, auth_token: str, *, api_url: str) -> None:
        self._account_sid = account_sid
        self._api_url = api_url.rstrip("/")
        self._headers = urllib3.make_headers(basic_auth=f"{account_sid}:{auth_token}")
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self._http = urllib3.PoolManager(timeout=timeout, retries=False)

    def account(self) -> dict[str, Any]:
        """Read the account itself."""
        return self._call("GET", self._api_url, f"/2010-04-01/Accounts/{self._account_sid}.json")

    def whatsapp_senders(self) -> list[dict[str, Any]]:
        """List the account's WhatsApp senders."""
        found: list[dict[str, Any]] = []
        path: str | None = "/v2/Channels/Senders?Channel=whatsapp&PageSize=100"
        while path is not None:
            answer = self._call("GET", self._messaging, path)
            found += answer.get("senders") or []
            following = (answer.get("meta") or {}).get("next_page_url")
            # Only the path of what it names: the credentials go to the configured host alone.
            path = following and urlsplit(following)._replace(scheme="", netloc="").geturl()
        return found

    def set_inbound_url(self, sender_sid: str, url: str) -> None:
        """Have what people write to a WhatsApp sender posted to an address; an empty one ends it."""
        webhook = {"callback_url": url, "callback_method": "POST"}
        self._call("POST", self._messaging, f"/v2/Channels/Senders/{sender_sid}", {"webhook": webhook})

    @property
    def _messaging(self) -> str:
        """The host of the Messaging API; whoever aims at another Messages API (a fake, a proxy) has both there."""
        if urlsplit(self._api_url).netloc != PUBLIC:
            return self._api_url
        return f"https://{PUBLIC.replace('api', 'messaging', 1)}"

    def _call(self, method: str, base: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        text = json.dumps(body) if body is not None else None
        try:
            response = self._http.request(method, base + path, headers=headers, body=text)
        except urllib3.exceptions.HTTPError as error:
            # Its text may name the address and what was sent along; its kind is enough.
            raise TwilioUnreachable(f"Twilio did not answer ({type(error).__name__})") from None
        if response.status >= _SERVER_FAULT or response.status == _TOO_MANY:
            raise TwilioUnreachable(f"Twilio answered {response.status}")
        try:
            answer = json.loads(response.data or b"{}")
        except ValueError:
            answer = {}
        if response.status not in _OK:
            code = answer.get("code")
            raise TwilioRefused(
                response.status, code if isinstance(code, int) else None, str(answer.get("message", ""))
            )
        return dict(answer)
