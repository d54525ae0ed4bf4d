"""What an AWS call needs, and whether a function's policy in template.yaml grants it.

It knows as much of IAM as the template uses: named actions and resources, and conditions on the first part of a key.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

TRANSACTED = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_FILES = {
    "PutObject": "PutObject",
    "GetObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "DeleteObjects": "DeleteObject",
}
SERVICES = {"sesv2": "ses", "sns": "sns", "pinpoint-sms-voice-v2": "sms-voice"}


@dataclass(frozen=True)
class Need:
    """One permission: the action, a piece of the resource as the template names it, the keys' first parts."""

    action: str
    resource: str
    partitions: tuple[str, ...] = ()


def needs(service: str, operation: str, parameters: Mapping[str, Any]) -> Iterator[Need]:
    """Tell what a call needs. Raises KeyError for an operation that nothing here knows."""
    if service == "dynamodb":
        yield from _table_needs(operation, parameters)
    elif service == "sqs":
        yield Need("sqs:SendMessage", parameters["QueueUrl"].rpartition("-")[2])
    elif service == "scheduler":
        group = "RecapsGroup" if parameters["GroupName"].endswith("-recaps") else "RemindersGroup"
        yield Need(f"scheduler:{operation}", f"schedule/${{{group}}}/*")
        if operation == "CreateSchedule":
            yield Need("iam:PassRole", "SchedulerRole")
    elif service == "secretsmanager":
        yield Need(f"secretsmanager:{operation}", "DeploymentSecret")
    elif service == "s3":
        # A file's name begins with its organization.
        whole = operation == "ListObjectsV2"
        yield Need(f"s3:{_FILES[operation]}", "AttachmentsBucket" if whole else "${AttachmentsBucket.Arn}/*")
    elif service == "kms":
        # The policies ask for the organization in the context, and for nothing else in it.
        assert list(parameters["EncryptionContext"]) == ["organization"], operation
        yield Need(f"kms:{operation}", "ChannelsKey")
    elif service == "sesv2":
        yield from _mail_needs(operation, parameters)
    else:
        yield Need(f"{SERVICES[service]}:{operation}", "")


def _mail_needs(operation: str, parameters: Mapping[str, Any]) -> Iterator[Need]:
    """Tell what SES asks for: of organizations' own domains the template knows no name."""
    if operation != "SendEmail":
        yield Need(f"ses:{operation}", "identity/*")
        if parameters.get("Tags"):
            yield Need("ses:TagResource", "identity/*")
        return
    own = not parseaddr(parameters["FromEmailAddress"])[1].endswith("@example.com")
    yield Need("ses:SendEmail", "identity/*" if own else "identity/${EmailFrom}")
    yield Need("ses:SendEmail", "configuration-set/${ConfigurationSet}")


def _table_needs(operation: str, parameters: Mapping[str, Any]) -> Iterator[Need]:
    action = f"dynamodb:{operation}"
    if operation in ("GetItem", "UpdateItem", "DeleteItem", "PutItem"):
        yield Need(action, "Table", (_partition(parameters.get("Item") or parameters["Key"]),))
    elif operation == "BatchGetItem":
        for wanted in parameters["RequestItems"].values():
            yield Need(action, "Table", tuple(_partition(key) for key in wanted["Keys"]))
    elif operation == "BatchWriteItem":
        for writes in parameters["RequestItems"].values():
            places = [_partition((w.get("PutRequest") or {}).get("Item") or w["DeleteRequest"]["Key"]) for w in writes]
            yield Need(action, "Table", tuple(places))
    elif operation == "Scan":
        yield Need(action, "Table", ())  # of the whole table: it has no partition to be held against a condition
    elif operation in ("TransactWriteItems", "TransactGetItems"):
        for part in parameters["TransactItems"]:
            ((kind, one),) = part.items()
            yield Need(f"dynamodb:{TRANSACTED[kind]}", "Table", (_partition(one.get("Item") or one["Key"]),))
    elif operation == "Query":
        yield _query_need(action, parameters)
    else:
        raise KeyError(operation)


def _query_need(action: str, parameters: Mapping[str, Any]) -> Need:
    name = re.search(r"=\s*(:\w+)", parameters["KeyConditionExpression"])
    assert name is not None
    value = parameters["ExpressionAttributeValues"][name[1]]["S"]
    index = parameters.get("IndexName")
    return Need(action, f"/index/{index}" if index else "Table", (value,))


def _partition(key: Mapping[str, Any]) -> str:
    return str(key["pk"]["S"])


def is_granted(need: Need, statements: list[Mapping[str, Any]]) -> bool:
    """Whether one of a policy's statements allows it."""
    return any(
        need.action in _list(statement["Action"])
        and ("Resource" not in statement or any(_names(res, need.resource) for res in _list(statement["Resource"])))
        and _keys_fit(need.partitions, statement.get("Condition", {}))
        for statement in statements
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _names(resource: Any, wanted: str) -> bool:
    if isinstance(resource, str):
        return resource == wanted
    if "Fn::GetAtt" in resource:
        return bool(resource["Fn::GetAtt"] == [wanted, "Arn"])
    if "Ref" in resource:
        return bool(resource["Ref"] == wanted)
    return str(_list(resource["Fn::Sub"])[0]).endswith(wanted)


def _keys_fit(partitions: tuple[str, ...], condition: Mapping[str, Any]) -> bool:
    refused = condition.get("ForAllValues:StringNotLike", {}).get("dynamodb:LeadingKeys", [])
    asked = condition.get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ["*"])
    return all(
        not any(fnmatch.fnmatchcase(partition, pattern) for pattern in refused)
        and any(fnmatch.fnmatchcase(partition, pattern) for pattern in asked)
        for partition in partitions
    )
