"""Twilio's Content API: makes WhatsApp templates and hands them in for approval."""

import json
from typing import Any
from urllib.parse import urlsplit

import urllib3

from carillon.domain.whatsapp import ApprovedText
from carillon.ports.texts import ContentRefused

DEFAULT_URL = "https://content.twilio.com"
_PAGE = 500
_OK = range(200, 300)


class TwilioContent:
    """See the port `ContentApi`."""

    def __init__(self, account_sid: str, auth_token: str, *, base_url: str = DEFAULT_URL) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = urllib3.make_headers(basic_auth=f"{account_sid}:{auth_token}")
        self._http = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=20), retries=False)

    def names(self) -> dict[str, str]:
        """List the account's templates: ContentSid by friendly name."""
        found: dict[str, str] = {}
        path: str | None = f"/v1/Content?PageSize={_PAGE}"
        while path is not None:
            answer = self._call("GET", path)
            found |= {entry["friendly_name"]: entry["sid"] for entry in answer.get("contents", [])}
            following = (answer.get("meta") or {}).get("next_page_url")
            # Only the path of what it names: the account's credentials go to the configured host alone.
            path = following and urlsplit(following)._replace(scheme="", netloc="").geturl()
        return found

    def create(self, text: ApprovedText) -> str:
        """Make a template; gives its ContentSid."""
        answer = self._call(
            "POST",
            "/v1/Content",
            {
                "friendly_name": text.name,
                "language": text.locale,
                "variables": text.samples,
                "types": {"twilio/text": {"body": text.body}},
            },
        )
        return str(answer["sid"])

    def submit(self, content_sid: str, text: ApprovedText) -> str:
        """Hand a template in for approval; gives the status."""
        category = "MARKETING" if text.marketing else "UTILITY"
        path = f"/v1/Content/{content_sid}/ApprovalRequests/whatsapp"
        return str(self._call("POST", path, {"name": text.name, "category": category}).get("status", "received"))

    def status(self, content_sid: str) -> str:
        """Ask how the approval stands."""
        answer = self._call("GET", f"/v1/Content/{content_sid}/ApprovalRequests")
        return str((answer.get("whatsapp") or {}).get("status") or "unsubmitted")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            response = self._http.request(
                method,
                self._base_url + path,
                headers=self._headers | {"Content-Type": "application/json"},
                body=json.dumps(body) if body is not None else None,
            )
            answer = json.loads(response.data or b"{}")
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise ContentRefused(f"{method} {path.partition('?')[0]}: {type(error).__name__}") from error
        if response.status not in _OK:
            raise ContentRefused(f"{response.status} {answer.get('code', '')} {answer.get('message', '')}".strip())
        return dict(answer)
