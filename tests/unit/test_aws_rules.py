"""The rules that every request is held against: each of them catches what it is there for."""

from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from tests.aws_rules import faults, watching
from tests.builders import NOW

ROLE = "arn:aws:iam::000000000000:role/scheduler"
SESSION = botocore.session.get_session()
Request = dict[str, Any]

SCHEDULE: Request = {
    "Name": "r-1",
    "GroupName": "reminders",
    "ScheduleExpression": "at(2099-12-01T09:00:00)",
    "ScheduleExpressionTimezone": "UTC",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "ActionAfterCompletion": "DELETE",
    "Target": {
        "Arn": "arn:aws:sqs:eu-central-1:000000000000:due",
        "RoleArn": ROLE,
        "Input": "{}",
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-central-1:000000000000:dead"},
        "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 30},
    },
}
EMAIL: Request = {
    "FromEmailAddress": "=?utf-8?q?Caf=C3=A9?= <no-reply@carillon.example>",
    "Destination": {"ToAddresses": ["anna@example.com"]},
    "ReplyToAddresses": ["salon@example.com"],
    "Content": {
        "Simple": {
            "Subject": {"Data": "Grüße", "Charset": "UTF-8"},
            "Body": {"Text": {"Data": "Größe", "Charset": "UTF-8"}},
            "Headers": [{"Name": "List-Unsubscribe", "Value": "<https://carillon.example/u/1>"}],
            "Attachments": [{"FileName": "a.ics", "RawContent": b"BEGIN", "ContentType": "text/calendar"}],
        }
    },
    "ConfigurationSetName": "mail",
    "EmailTags": [{"Name": "message", "Value": "abc_DEF-1"}],
}
SMS: Request = {
    "PhoneNumber": "+31612345678",
    "Message": "Tot morgen",
    "MessageAttributes": {
        "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"},
        "AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": "Aurora1"},
        "AWS.SNS.SMS.MaxPrice": {"DataType": "Number", "StringValue": "0.50"},
    },
}
PUSH: Request = {
    "TargetArn": "arn:aws:sns:eu-central-1:000000000000:endpoint/GCM/app/1",
    "MessageStructure": "json",
    "Message": '{"default": "x", "GCM": "{\\"fcmV1Message\\": {\\"message\\": {\\"data\\": {\\"n\\": \\"1\\"}}}}", '
    '"APNS": "{\\"aps\\": {}}"}',
}
BATCH: Request = {
    "QueueUrl": "https://sqs.eu-central-1.amazonaws.com/000000000000/due",
    "Entries": [{"Id": "0", "MessageBody": "{}", "DelaySeconds": 900, "MessageGroupId": "aurora~test"}],
}
UPDATE: Request = {
    "TableName": "t",
    "Key": {"pk": {"S": "o#R"}, "sk": {"S": "-"}},
    "UpdateExpression": "SET #st = :s, tl = list_append(if_not_exists(tl, :e), :t) REMOVE nb, m.a",
    "ExpressionAttributeNames": {"#st": "st"},
    "ExpressionAttributeValues": {":s": {"S": "sent"}, ":e": {"L": []}, ":t": {"L": [{"S": "x"}]}},
}
QUERY: Request = {
    "TableName": "t",
    "IndexName": "gsi1",
    "KeyConditionExpression": "pk1 = :p AND begins_with(sk1, :s)",
    "FilterExpression": "ty = :t",
    "ExpressionAttributeValues": {":p": {"S": "a"}, ":s": {"S": "b"}, ":t": {"S": "c"}},
}
PUT: Request = {"Put": {"TableName": "t", "Item": {"pk": {"S": "a"}, "sk": {"S": "-"}, "doc": {"S": "{}"}}}}
GET: Request = {"RequestItems": {"t": {"Keys": [{"pk": {"S": "a"}, "sk": {"S": "-"}}]}}}
GOOD: dict[tuple[str, str], list[Request]] = {
    ("scheduler", "CreateSchedule"): [SCHEDULE],
    ("scheduler", "DeleteSchedule"): [{"Name": "r-1", "GroupName": "reminders"}],
    ("sesv2", "SendEmail"): [EMAIL],
    ("sns", "Publish"): [SMS, PUSH],
    ("sqs", "SendMessageBatch"): [BATCH],
    ("dynamodb", "UpdateItem"): [UPDATE],
    ("dynamodb", "Query"): [QUERY],
    ("dynamodb", "TransactWriteItems"): [{"TransactItems": [PUT], "ClientRequestToken": "x"}],
    ("dynamodb", "BatchGetItem"): [GET],
    ("secretsmanager", "GetSecretValue"): [{"SecretId": "secret"}],
}


def found(service: str, operation: str, request: Mapping[str, Any]) -> list[str]:
    model = SESSION.get_service_model(service).operation_model(operation)
    return faults(request, model, NOW, {ROLE})


def changed(request: Request, path: str, value: Any) -> Request:
    """Set what a path of names and numbers leads to; `value` None takes it out."""
    copy: Any = {**request}
    here: Any = copy
    *way, last = [int(word) if word.isdecimal() else word for word in path.split("/")]
    for word in way:
        here[word] = here[word].copy()
        here = here[word]
    if value is None:
        del here[last]
    elif isinstance(here, list) and last == len(here):
        here.append(value)
    else:
        here[last] = value
    return copy  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("service", "operation", "request_"), [(*name, request) for name, requests in GOOD.items() for request in requests]
)
def test_a_right_request_passes(service: str, operation: str, request_: Request) -> None:
    assert found(service, operation, request_) == []


FIRST, HEADER, FILE = "Entries/0", "Content/Simple/Headers/0", "Content/Simple/Attachments/0"
BAD: list[tuple[str, str, Request, str, Any]] = [
    ("scheduler", "CreateSchedule", SCHEDULE, "ScheduleExpression", "at(2099-12-01T09:00:00Z)"),
    ("scheduler", "CreateSchedule", SCHEDULE, "ScheduleExpression", "at(2020-12-01T09:00:00)"),
    ("scheduler", "CreateSchedule", SCHEDULE, "ScheduleExpression", "tomorrow"),
    ("scheduler", "CreateSchedule", SCHEDULE, "ScheduleExpressionTimezone", "Mars/Olympus"),
    ("scheduler", "CreateSchedule", SCHEDULE, "Name", "o#R#1"),
    ("scheduler", "CreateSchedule", SCHEDULE, "Name", "n" * 65),
    ("scheduler", "CreateSchedule", SCHEDULE, "GroupName", "re/minders"),
    ("scheduler", "CreateSchedule", SCHEDULE, "ClientToken", "a b"),
    ("scheduler", "CreateSchedule", SCHEDULE, "ActionAfterCompletion", "SOON"),
    ("scheduler", "CreateSchedule", SCHEDULE, "ActionAfterCompletion", None),
    ("scheduler", "CreateSchedule", SCHEDULE, "FlexibleTimeWindow/MaximumWindowInMinutes", 5),
    ("scheduler", "CreateSchedule", SCHEDULE, "Target/RoleArn", "arn:aws:iam::000000000000:role/other"),
    ("scheduler", "CreateSchedule", SCHEDULE, "Target/DeadLetterConfig", None),
    ("scheduler", "CreateSchedule", SCHEDULE, "Target/DeadLetterConfig/Arn", "arn:aws:sqs:eu:000000000000:d.fifo"),
    ("scheduler", "CreateSchedule", SCHEDULE, "Target/RetryPolicy/MaximumEventAgeInSeconds", 30),
    ("scheduler", "CreateSchedule", SCHEDULE, "Target/RetryPolicy/MaximumRetryAttempts", 186),
    ("scheduler", "CreateSchedule", SCHEDULE, "Target/RetryPolicy", None),
    ("scheduler", "CreateSchedule", SCHEDULE, "Target/Input", "x" * 262_145),
    ("scheduler", "DeleteSchedule", {"Name": "r-1"}, "Name", "a:b"),
    ("sesv2", "SendEmail", EMAIL, "EmailTags/0/Value", "a#b"),
    ("sesv2", "SendEmail", EMAIL, "EmailTags/0/Value", "ł"),
    ("sesv2", "SendEmail", EMAIL, "EmailTags/0/Value", "x" * 257),
    ("sesv2", "SendEmail", EMAIL, "EmailTags/0/Name", ""),
    ("sesv2", "SendEmail", EMAIL, "EmailTags/1", {"Name": "message", "Value": "x"}),
    ("sesv2", "SendEmail", EMAIL, f"{HEADER}/Value", "Grüße"),
    ("sesv2", "SendEmail", EMAIL, f"{HEADER}/Value", "a\r\nBcc: b@example.com"),
    ("sesv2", "SendEmail", EMAIL, f"{HEADER}/Value", "x" * 996),
    ("sesv2", "SendEmail", EMAIL, f"{HEADER}/Value", "x" * 990),
    ("sesv2", "SendEmail", EMAIL, f"{HEADER}/Name", "List:Unsubscribe"),
    ("sesv2", "SendEmail", EMAIL, "Content/Simple/Headers", [{"Name": f"X-{n}", "Value": "1"} for n in range(16)]),
    ("sesv2", "SendEmail", EMAIL, "Content/Simple/Subject/Charset", None),
    ("sesv2", "SendEmail", EMAIL, "Content/Simple/Subject/Charset", "us-ascii"),
    ("sesv2", "SendEmail", EMAIL, "Content/Simple/Subject/Charset", "klingon"),
    ("sesv2", "SendEmail", EMAIL, "Content/Simple/Subject/Data", "a\nb"),
    ("sesv2", "SendEmail", EMAIL, "Content/Simple/Body/Text/Charset", None),
    ("sesv2", "SendEmail", EMAIL, "Content/Simple/Body", {}),
    ("sesv2", "SendEmail", EMAIL, f"{FILE}/FileName", "a/b.ics"),
    ("sesv2", "SendEmail", EMAIL, f"{FILE}/FileName", "a" * 256),
    ("sesv2", "SendEmail", EMAIL, f"{FILE}/ContentType", "x" * 79),
    ("sesv2", "SendEmail", EMAIL, f"{FILE}/RawContent", b"x" * 32_000_000),
    ("sesv2", "SendEmail", EMAIL, f"{FILE}/RawContent", "not base64!"),
    ("sesv2", "SendEmail", EMAIL, "FromEmailAddress", "Café <no-reply@carillon.example>"),
    ("sesv2", "SendEmail", EMAIL, "FromEmailAddress", f"=?utf-8?q?{'a' * 70}?= <no-reply@carillon.example>"),
    ("sesv2", "SendEmail", EMAIL, "FromEmailAddress", "Aurora"),
    ("sesv2", "SendEmail", EMAIL, "FromEmailAddress", ""),
    ("sesv2", "SendEmail", EMAIL, "ReplyToAddresses/0", "a\r\nb@example.com"),
    ("sesv2", "SendEmail", EMAIL, "Destination/ToAddresses", []),
    ("sesv2", "SendEmail", EMAIL, "Destination/ToAddresses", ["a@example.com"] * 51),
    ("sesv2", "SendEmail", EMAIL, "Destination/ToAddresses/0", "anna@exämple.com"),
    ("sesv2", "SendEmail", EMAIL, "ConfigurationSetName", "a b"),
    ("sns", "Publish", SMS, "MessageAttributes/AWS.SNS.SMS.SenderID/StringValue", "Salon Aurora"),
    ("sns", "Publish", SMS, "MessageAttributes/AWS.SNS.SMS.SenderID/StringValue", "123"),
    ("sns", "Publish", SMS, "MessageAttributes/AWS.SNS.SMS.SenderID/StringValue", "TwelveLetter"),
    ("sns", "Publish", SMS, "MessageAttributes/AWS.SNS.SMS.SMSType/StringValue", "Urgent"),
    ("sns", "Publish", SMS, "MessageAttributes/AWS.SNS.SMS.MaxPrice/StringValue", "cheap"),
    ("sns", "Publish", SMS, "MessageAttributes/AWS.SNS.SMS.MaxPrice/DataType", "Money"),
    ("sns", "Publish", SMS, "PhoneNumber", "0612345678"),
    ("sns", "Publish", SMS, "Message", "x" * 1601),
    ("sns", "Publish", SMS, "Message", ""),
    ("sns", "Publish", SMS, "TopicArn", "arn:aws:sns:eu-central-1:000000000000:t"),
    ("sns", "Publish", PUSH, "MessageStructure", "xml"),
    ("sns", "Publish", PUSH, "Message", "hello"),
    ("sns", "Publish", PUSH, "Message", '{"GCM": "{}"}'),
    ("sns", "Publish", PUSH, "Message", '{"default": "x", "GCM": {}}'),
    ("sns", "Publish", PUSH, "Message", '{"default": "x", "GCM": "hello"}'),
    ("sns", "Publish", PUSH, "Message", '{"default": "x", "GCM": "{\\"notification\\": {}}"}'),
    (
        "sns",
        "Publish",
        PUSH,
        "Message",
        '{"default": "", "GCM": "{\\"fcmV1Message\\":{\\"message\\":{\\"data\\":{\\"n\\":1}}}}"}',
    ),
    ("sns", "Publish", PUSH, "Message", '{"default": "x", "APNS_SANDBOX": "{}"}'),
    ("sns", "Publish", PUSH, "Message", '{"default": "' + "x" * 262_144 + '"}'),
    ("sqs", "SendMessageBatch", BATCH, f"{FIRST}/DelaySeconds", 901),
    ("sqs", "SendMessageBatch", BATCH, f"{FIRST}/DelaySeconds", -1),
    ("sqs", "SendMessageBatch", BATCH, f"{FIRST}/MessageGroupId", "salon aurora"),
    ("sqs", "SendMessageBatch", BATCH, f"{FIRST}/MessageGroupId", "ł"),
    ("sqs", "SendMessageBatch", BATCH, f"{FIRST}/MessageGroupId", "x" * 129),
    ("sqs", "SendMessageBatch", BATCH, f"{FIRST}/MessageBody", ""),
    ("sqs", "SendMessageBatch", BATCH, f"{FIRST}/MessageBody", "\x00"),
    ("sqs", "SendMessageBatch", BATCH, f"{FIRST}/MessageBody", "x" * 262_145),
    ("sqs", "SendMessageBatch", BATCH, f"{FIRST}/Id", "a#b"),
    ("sqs", "SendMessageBatch", BATCH, "Entries/1", {"Id": "0", "MessageBody": "x"}),
    ("sqs", "SendMessageBatch", BATCH, "Entries", []),
    ("sqs", "SendMessageBatch", BATCH, "Entries", [{"Id": str(n), "MessageBody": "x"} for n in range(11)]),
    ("dynamodb", "UpdateItem", UPDATE, "Key/pk/S", ""),
    ("dynamodb", "UpdateItem", UPDATE, "Key/pk/S", "x" * 2049),
    ("dynamodb", "UpdateItem", UPDATE, "Key/sk/S", "ł" * 513),
    ("dynamodb", "UpdateItem", UPDATE, "UpdateExpression", "SET #st = :s SET tl = :e, x = :t"),
    ("dynamodb", "UpdateItem", UPDATE, "UpdateExpression", "SET #st = :s, st.x = :e, x = :t"),
    ("dynamodb", "UpdateItem", UPDATE, "UpdateExpression", "SET #st = :s, sk = :e, x = :t"),
    ("dynamodb", "UpdateItem", UPDATE, "UpdateExpression", "SET #st = :s, = :e, x = :t"),
    ("dynamodb", "UpdateItem", UPDATE, "UpdateExpression", "#st = :s, y = :e, x = :t"),
    ("dynamodb", "UpdateItem", UPDATE, "ExpressionAttributeValues/:t", None),
    ("dynamodb", "UpdateItem", UPDATE, "ExpressionAttributeValues/:unused", {"S": "x"}),
    ("dynamodb", "UpdateItem", UPDATE, "ExpressionAttributeNames/#unused", "x"),
    ("dynamodb", "UpdateItem", UPDATE, "ExpressionAttributeValues/:s", {"SS": []}),
    ("dynamodb", "UpdateItem", UPDATE, "ReturnValues", "EVERYTHING"),
    ("dynamodb", "Query", QUERY, "KeyConditionExpression", "pk1 = :p OR begins_with(sk1, :s)"),
    ("dynamodb", "Query", QUERY, "KeyConditionExpression", "pk1 = :p AND sk1 BETWEEN :t AND :s"),
    ("dynamodb", "Query", QUERY, "FilterExpression", "sk1 > :t"),
    ("dynamodb", "TransactWriteItems", {"TransactItems": [PUT]}, "TransactItems/1", PUT),
    ("dynamodb", "TransactWriteItems", {"TransactItems": [PUT]}, "TransactItems/0/Put/Item/doc/S", "x" * 409_600),
    ("dynamodb", "TransactWriteItems", {"TransactItems": [PUT]}, "ClientRequestToken", "x" * 37),
    ("dynamodb", "BatchGetItem", GET, "RequestItems/t/Keys", [{"pk": {"S": "a"}, "sk": {"S": "-"}}] * 2),
    ("dynamodb", "BatchGetItem", GET, "RequestItems/t/Keys", [{"pk": {"S": f"{n}"}} for n in range(101)]),
    ("secretsmanager", "GetSecretValue", {"SecretId": "x"}, "SecretId", "x" * 2049),
]


@pytest.mark.parametrize(("service", "operation", "right", "path", "value"), BAD)
def test_what_aws_refuses_is_found(service: str, operation: str, right: Request, path: str, value: Any) -> None:
    assert found(service, operation, changed(right, path, value)) != []


def test_a_batch_of_writes_is_limited_and_names_each_item_once() -> None:
    entry = {"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"S": "-"}}}}
    assert found("dynamodb", "BatchWriteItem", {"RequestItems": {"t": [entry]}}) == []
    assert found("dynamodb", "BatchWriteItem", {"RequestItems": {"t": [entry, entry]}}) != []
    many = [{"DeleteRequest": {"Key": {"pk": {"S": str(n)}, "sk": {"S": "-"}}}} for n in range(26)]
    assert found("dynamodb", "BatchWriteItem", {"RequestItems": {"t": many}}) != []


def test_a_devices_endpoint_has_a_token_and_short_data() -> None:
    right = {"PlatformApplicationArn": "arn", "Token": "t", "CustomUserData": "x"}
    assert found("sns", "CreatePlatformEndpoint", right) == []
    assert found("sns", "CreatePlatformEndpoint", right | {"Token": ""}) != []
    assert found("sns", "CreatePlatformEndpoint", right | {"CustomUserData": "x" * 2049}) != []
    assert found("sns", "SetEndpointAttributes", {"EndpointArn": "arn", "Attributes": {"Enabled": "yes"}}) != []


def test_a_refused_request_is_not_sent_and_not_forgotten() -> None:
    client: Any = SESSION.create_client("sqs", "eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    with pytest.raises(AssertionError, match="sqs SendMessageBatch: DelaySeconds 901"):  # noqa: SIM117
        with watching(client.meta.events, lambda: NOW), pytest.raises(ClientError):
            client.send_message_batch(**changed(BATCH, f"{FIRST}/DelaySeconds", 901))
