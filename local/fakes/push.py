"""SNS mobile push: applications, endpoints, and what is published to them; kept over restarts.

A token that begins with `expired` is taken once and then switched off, as SNS does when a platform calls it bad. An
application's credentials that begin with `wrong` are refused.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.fakes import sns_rules
from local.outbox import Outbox, Sent
from local.store import Store
from local.template import ACCOUNT_ID

Form = Mapping[str, str]
_NOTE = "sns push"


class RefusedError(Exception):
    """What SNS would refuse, with its code."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Push:
    """The part of SNS that is about devices; each action gives the elements of its result."""

    def __init__(self, store: Store, outbox: Outbox, region: str) -> None:
        self._store = store
        self._outbox = outbox
        self._arn = f"arn:aws:sns:{region}:{ACCOUNT_ID}"
        self._applications: dict[str, dict[str, str]] = {}
        self._endpoints: dict[str, dict[str, str]] = {}
        self._actions: dict[str, Callable[[Form], dict[str, Any]]] = {
            "CreatePlatformApplication": self._create_application,
            "SetPlatformApplicationAttributes": self._set_application,
            "GetPlatformApplicationAttributes": self._get_application,
            "DeletePlatformApplication": self._delete_application,
            "CreatePlatformEndpoint": self._create_endpoint,
            "GetEndpointAttributes": self._get_endpoint,
            "SetEndpointAttributes": self._set_endpoint,
            "DeleteEndpoint": self._delete_endpoint,
        }

    def takes(self, form: Form) -> bool:
        """Whether a call is about devices."""
        return form.get("Action") in self._actions or (
            form.get("Action") == "Publish" and ":endpoint/" in _target(form)
        )

    def answer(self, form: Form, attributes: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
        """Do what SNS does; raises RefusedError."""
        kept = self._store.get_note(_NOTE) or {}
        self._applications, self._endpoints = kept.get("applications", {}), kept.get("endpoints", {})
        if form["Action"] == "Publish":
            return self._publish(form, attributes)
        result = self._actions[form["Action"]](form)
        self._store.put_note(_NOTE, {"applications": self._applications, "endpoints": self._endpoints})
        return result

    def _create_application(self, form: Form) -> dict[str, Any]:
        arn = f"{self._arn}:app/{form['Platform']}/{form['Name']}"
        self._applications[arn] = _credentials(form) | {"Enabled": "true"}
        return {"PlatformApplicationArn": arn}

    def _set_application(self, form: Form) -> dict[str, Any]:
        self._application(form).update(_credentials(form))
        return {}

    def _get_application(self, form: Form) -> dict[str, Any]:
        shown = {name: value for name, value in self._application(form).items() if not name.startswith("Platform")}
        return {"Attributes": shown}

    def _delete_application(self, form: Form) -> dict[str, Any]:
        self._applications.pop(form["PlatformApplicationArn"], None)
        return {}

    def _create_endpoint(self, form: Form) -> dict[str, Any]:
        self._application(form)
        application, token = form["PlatformApplicationArn"], form["Token"]
        wanted = {"Token": token, "Enabled": "true", "CustomUserData": form.get("CustomUserData", "")}
        prefix = application.replace(":app/", ":endpoint/") + "/"
        for arn, has in self._endpoints.items():
            if arn.startswith(prefix) and has["Token"] == token:
                if has == wanted:
                    return {"EndpointArn": arn}
                raise RefusedError(
                    "InvalidParameter",
                    f"Invalid parameter: Token Reason: Endpoint {arn} already exists with the same Token, "
                    "but different attributes.",
                )
        arn = prefix + str(uuid.uuid4())
        self._endpoints[arn] = wanted
        return {"EndpointArn": arn}

    def _get_endpoint(self, form: Form) -> dict[str, Any]:
        return {"Attributes": self._endpoint(form["EndpointArn"])}

    def _set_endpoint(self, form: Form) -> dict[str, Any]:
        self._endpoint(form["EndpointArn"]).update(_entries(form))
        return {}

    def _delete_endpoint(self, form: Form) -> dict[str, Any]:
        self._endpoints.pop(form["EndpointArn"], None)
        return {}

    def _publish(self, form: Form, attributes: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
        target, message = _target(form), form.get("Message", "")
        request: dict[str, Any] = {"TargetArn": target, "Message": message, "MessageAttributes": attributes}
        if "MessageStructure" in form:
            request["MessageStructure"] = form["MessageStructure"]
        for fault in sns_rules.faults(request):
            raise RefusedError("InvalidParameter", fault)
        endpoint = self._endpoint(target)
        platform, application = target.rpartition(":")[2].split("/")[1:3]
        if f"{self._arn}:app/{platform}/{application}" not in self._applications:
            reason = "No endpoint found for the target arn specified"
            raise RefusedError("InvalidParameter", f"Invalid parameter: TargetArn Reason: {reason}")
        if endpoint["Enabled"] != "true":
            raise RefusedError("EndpointDisabled", "Endpoint is disabled")
        if endpoint["Token"].startswith("expired"):
            endpoint["Enabled"] = "false"
            self._store.put_note(_NOTE, {"applications": self._applications, "endpoints": self._endpoints})
        title, text, marker = _shown(json.loads(message)[platform], platform)
        provider_id = str(uuid.uuid4())
        self._outbox.add(
            Sent("push", "sns", endpoint["Token"], application, text, title, provider_id=provider_id, marker=marker)
        )
        return {"MessageId": provider_id}

    def _application(self, form: Form) -> dict[str, str]:
        found = self._applications.get(form["PlatformApplicationArn"])
        if found is None:
            raise RefusedError("NotFound", "PlatformApplication does not exist", 404)
        return found

    def _endpoint(self, arn: str) -> dict[str, str]:
        found = self._endpoints.get(arn)
        if found is None:
            raise RefusedError("NotFound", "Endpoint does not exist", 404)
        return found


def _credentials(form: Form) -> dict[str, str]:
    stated = _entries(form)
    if stated.get("PlatformCredential", "").lstrip().startswith("wrong"):
        raise RefusedError("InvalidParameter", "Invalid parameter: Attributes Reason: Platform credentials are invalid")
    return stated


def _entries(form: Form) -> dict[str, str]:
    """Read a map of attributes from a form."""
    keys = [key for key in form if key.startswith("Attributes.entry.") and key.endswith(".key")]
    return {form[key]: form[key.removesuffix("key") + "value"] for key in keys}


def _target(form: Form) -> str:
    return form.get("TargetArn", form.get("TopicArn", ""))


def _shown(payload: str, platform: str) -> tuple[str, str, str]:
    """Read what a phone would show, and our message's id."""
    document = json.loads(payload)
    if platform.startswith("APNS"):
        alert = document["aps"]["alert"]
        return alert["title"], alert["body"], document.get("carillon_message_id", "")
    message = document["fcmV1Message"]["message"]
    notification = message["notification"]
    return notification["title"], notification["body"], message.get("data", {}).get("carillon_message_id", "")
