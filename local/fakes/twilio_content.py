"""Twilio's Content API: WhatsApp templates, approved as soon as they are submitted."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from local.fakes.http import Answer, Call
from local.store import Store

_VARIABLE = re.compile(r"\{\{(\d+)\}\}")
_UNFIT = re.compile(r"[\n\t]| {4}")
_LIMIT = 1024


class ContentError(Exception):
    """A refusal with Twilio's code and the HTTP status."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        self.code = code
        self.status = status
        super().__init__(message)


class ContentTemplates:
    """The templates of all accounts, by ContentSid."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, call: Call, account: str) -> Answer:
        """Answer a call to /v1/Content and what lies under it."""
        parts = call.path.strip("/").split("/")[2:]
        if not parts:
            return self._create(call, account) if call.method == "POST" else self._list(account)
        template = self._get(account, parts[0])
        if parts[1:2] == ["ApprovalRequests"]:
            if call.method == "POST":
                template["approval"] = {**json.loads(call.body or b"{}"), "status": "approved"}
                self._put(template)
            approval = template.get("approval", {"status": "unsubmitted"})
            if call.method == "POST":
                return Answer(201, approval)
            return Answer(200, {"sid": template["sid"], "account_sid": account, "whatsapp": approval})
        if call.method == "DELETE":
            self._store.execute("DELETE FROM notes WHERE name = ?", (f"content {parts[0]}",))
            return Answer(204)
        return Answer(200, template)

    def render(self, account: str, sid: str, variables: str | None) -> str:
        """Build the text that the person reads. Raises ContentError as Twilio refuses."""
        template = self._get(account, sid, code=21_655, status=400)
        if template.get("approval", {}).get("status") != "approved":
            raise ContentError(63_016, "The template is not approved")
        try:
            values = json.loads(variables) if variables else {}
        except ValueError:
            values = None
        if not isinstance(values, dict) or any(not isinstance(v, str) or not v for v in values.values()):
            raise ContentError(21_656, "The Content Variables parameter is invalid.")
        if any(_UNFIT.search(value) for value in values.values()):
            raise ContentError(21_656, "The Content Variables parameter is invalid.")
        body = _body(template)
        if set(_VARIABLE.findall(body)) - set(values):
            raise ContentError(63_028, "Number of parameters provided does not match what is expected.")
        text = _VARIABLE.sub(lambda match: values[match.group(1)], body)
        if len(text) > _LIMIT:
            raise ContentError(63_021, "Channel invalid content error")
        return text

    def _create(self, call: Call, account: str) -> Answer:
        try:
            request = json.loads(call.body)
            template = {
                "sid": "HX" + uuid.uuid4().hex,
                "account_sid": account,
                "friendly_name": request.get("friendly_name"),
                "language": request["language"],
                "variables": request.get("variables", {}),
                "types": request["types"],
            }
            _body(template)
        except (KeyError, ValueError, TypeError, StopIteration):
            raise ContentError(20_001, "Bad request: language and types are required") from None
        self._put(template)
        return Answer(201, template)

    def _list(self, account: str) -> Answer:
        rows = self._store.execute("SELECT document FROM notes WHERE name GLOB 'content HX*' ORDER BY rowid")
        contents = [t for (text,) in rows if (t := json.loads(text))["account_sid"] == account]
        return Answer(200, {"contents": contents, "meta": {"page": 0, "next_page_url": None, "key": "contents"}})

    def _get(self, account: str, sid: str, code: int = 20_404, status: int = 404) -> dict[str, Any]:
        template: dict[str, Any] | None = self._store.get_note(f"content {sid}")
        if template is None or template["account_sid"] != account:
            raise ContentError(code, f"The ContentSid {sid} is not known", status)
        return template

    def _put(self, template: dict[str, Any]) -> None:
        self._store.put_note(f"content {template['sid']}", template)


def _body(template: dict[str, Any]) -> str:
    return str(next(kind["body"] for kind in template["types"].values() if "body" in kind))
