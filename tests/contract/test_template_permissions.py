"""What each function may do and is told: permissions, environment and routes, template against code."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from carillon.domain.channels import ALL
from carillon.runtime import config
from local.template import load

ROOT: Final = Path(__file__).parents[2]
Statement = Mapping[str, Any]

# (function, action) → why its resource can't be named exactly.
WILDCARDS: Final = {
    ("PlanNotificationsFunction", "dynamodb:ListStreams"): "the action knows no resource; Lambda asks for it",
    ("PlanNotificationsFunction", "scheduler:CreateSchedule"): "a schedule's name is a hash; the group is named",
    ("PlanNotificationsFunction", "scheduler:DeleteSchedule"): "a schedule's name is a hash; the group is named",
    ("RunJobsFunction", "scheduler:CreateSchedule"): "a schedule's name is a hash; the group is named",
    ("RunJobsFunction", "scheduler:DeleteSchedule"): "a schedule's name is a hash; the group is named",
    **{
        (
            "ContactsApiFunction",
            f"sns:{action}",
        ): "SNS makes endpoints' ids; the stack's applications are named"
        for action in ("CreatePlatformEndpoint", "DeleteEndpoint", "GetEndpointAttributes", "SetEndpointAttributes")
    },
    **{
        (
            "SettingsApiFunction",
            f"ses:{action}",
        ): "organizations' domains are not known to the template; a tag marks them"
        for action in (
            "CreateEmailIdentity",
            "DeleteEmailIdentity",
            "GetEmailIdentity",
            "PutEmailIdentityMailFromAttributes",
            "TagResource",
        )
    },
    **{
        (name, f"s3:{action}Object"): "files are named by their organizations and messages; the bucket is named"
        for name, action in (
            ("MessagesApiFunction", "Put"),
            ("SendEmailFunction", "Get"),
            ("RunJobsFunction", "Delete"),
        )
    },
    ("SendEmailFunction", "ses:SendEmail"): "organizations' domains; the deployment's own identity is named",
    ("SettingsApiFunction", "sns:CreatePlatformApplication"): "what is being made has no ARN yet",
    **{
        ("SettingsApiFunction", f"sns:{action}PlatformApplication{rest}"): "organizations are not known to the template"
        for action, rest in (("Delete", ""), ("Get", "Attributes"), ("Set", "Attributes"))
    },
    ("SendPushFunction", "sns:Publish"): "endpoints have ids that SNS makes; the stack's applications are named",
    ("SendPushFunction", "sns:DeleteEndpoint"): "the same",
    ("SendSmsFunction", "sms-voice:SendTextMessage"): "what it sends from is a parameter, or the account's choice",
    ("SendSmsFunction", "sns:Publish"): "a phone number has no ARN: everything but topics and endpoints",
}
# Who may touch the keys of the reserved tenant `@`, which belong to no organization.
RESERVED_TENANT: Final = {
    "SettingsApiFunction": "the operator's routes make and list organizations",
    "CallbacksFunction": "a shared sender's callback is matched to its organization",
    "RunJobsFunction": "jobs span organizations",
    "SweepFunction": "it goes through every organization",
}
# Key patterns, per function, that are granted instead of everything but `@`.
NARROW_KEYS: Final = {
    "AuthorizerFunction": {("*#KEY", "*#ORG")},
    **{
        name: {("*#WAT",)}  # approved templates, the shared sender's and the organization's own
        for name in (
            "ContactsApiFunction",
            "DispatchReminderFunction",
            "MessagesApiFunction",
            "PlanNotificationsFunction",
            "RecordsApiFunction",
            "SendEmailFunction",
            "SendPushFunction",
            "SendRecapFunction",
        )
    },
    # And who writes to whom from the shared number.
    **{
        name: {("*#WAT",), ("@#W#*",)} for name in ("RecordDeliveryFunction", "SendSmsFunction", "SendWhatsappFunction")
    },
    # What is bought, and the books; the index shows what is still to come.
    "BillingApiFunction": {("*#ORG", "*#BIL", "*#IDM#*", "*#AUD#*", "*#Q#*"), ("*#S#topup",)},
    "SettlePaymentsFunction": {("*#ORG", "*#BIL", "*#Q#*"), ("*#S#topup",)},
    # Rows of chats that have ended.
    "CallbacksFunction": {("*#U#t:*", "*#U#v:*")},
    "SendTelegramFunction": {("*#WAT",), ("*#U#t:*",)},
    "SendViberFunction": {("*#WAT",), ("*#U#v:*",)},
}
# Who lists or searches; the others read by key.
LISTERS: Final = {
    "SettingsApiFunction",
    "ContactsApiFunction",
    "RecordsApiFunction",
    "MessagesApiFunction",
    "RunJobsFunction",
    "SweepFunction",
    # Top-ups that are not settled.
    "BillingApiFunction",
    "SettlePaymentsFunction",
    # The appointments of a day: a recap's list is read when it is decided on and again when it is sent.
    "SendRecapFunction",
    # And those of a client, for a reminder that lists the others.
    "DispatchReminderFunction",
    *(f"Send{channel.capitalize()}Function" for channel in ALL),
}
# AWS's own policies that SAM adds: both name actions, and their resources can't be narrowed.
MANAGED: Final = {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}
SCANS: Final = {"dynamodb:Scan", "dynamodb:PartiQLSelect", "dynamodb:ExportTableToPointInTime"}
# Only a scan proves that nothing is left of an organization that was removed.
SCANNERS: Final = {"RunJobsFunction": {"dynamodb:Scan"}}
STREAM_ACTIONS: Final = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}


@functools.cache
def template() -> Mapping[str, Any]:
    return load(ROOT / "template.yaml")


def functions() -> dict[str, Mapping[str, Any]]:
    found = template()["Resources"].items()
    return {name: body["Properties"] for name, body in found if body["Type"] == "AWS::Lambda::Function"}


def folder_of(name: str) -> str:
    return str(functions()[name]["Handler"]).split(".")[1]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(name: str) -> Iterator[Statement]:
    role = template()["Resources"][f"{name}Role"]["Properties"]
    for policy in role["Policies"]:
        yield from as_list(policy["PolicyDocument"]["Statement"])


def allowed(name: str, action: str) -> list[Any]:
    """Every resource on which the function may do this."""
    return [
        resource
        for statement in statements(name)
        if action in as_list(statement["Action"])
        for resource in as_list(statement.get("Resource", []))
    ]


def environment(name: str) -> dict[str, Any]:
    variables = dict(functions()[name]["Environment"]["Variables"])
    for everyones in ("LOG_LEVEL", "POWERTOOLS_SERVICE_NAME"):
        variables.pop(everyones)
    return variables


FUNCTIONS: Final = sorted(functions())


@pytest.mark.parametrize("name", FUNCTIONS)
class TestPermissions:
    def test_actions_are_named_one_by_one(self, name: str) -> None:
        actions = [action for statement in statements(name) for action in as_list(statement["Action"])]
        assert [action for action in actions if "*" in action] == []

    def test_resources_are_named_exactly_but_where_a_reason_is_written_down(self, name: str) -> None:
        wide = {
            (name, action)
            for statement in statements(name)
            if "*" in json.dumps(statement.get("Resource", "*"))
            for action in as_list(statement["Action"])
        }
        assert wide == {pair for pair in WILDCARDS if pair[0] == name}

    def test_managed_policies_are_the_two_that_sam_adds(self, name: str) -> None:
        role = template()["Resources"][f"{name}Role"]["Properties"]
        assert {arn.rsplit("/", 1)[1] for arn in role["ManagedPolicyArns"]} == MANAGED

    def test_the_table_is_not_scanned_but_where_a_reason_is_written_down(self, name: str) -> None:
        actions = {action for statement in statements(name) for action in as_list(statement["Action"])}
        assert actions & SCANS == SCANNERS.get(name, set())

    def test_indexes_are_for_those_who_list(self, name: str) -> None:
        indexes = [resource for resource in allowed(name, "dynamodb:Query") if "/index/" in json.dumps(resource)]
        assert bool(indexes) == (name in LISTERS)

    def test_keys_of_the_reserved_tenant_are_out_of_reach(self, name: str) -> None:
        granted = set()
        for statement in statements(name):
            actions = {action for action in as_list(statement["Action"]) if action.startswith("dynamodb:")}
            if not actions - STREAM_ACTIONS:
                continue
            condition = statement.get("Condition", {})
            if not condition:
                assert name in RESERVED_TENANT
                continue
            # Without it, a call that has no keys in its context would pass any ForAllValues.
            assert condition["Null"] == {"dynamodb:LeadingKeys": "false"}
            if "ForAllValues:StringNotLike" in condition:
                assert condition["ForAllValues:StringNotLike"] == {"dynamodb:LeadingKeys": ["@*"]}
            else:
                granted.add(tuple(condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]))
        assert granted == NARROW_KEYS.get(name, set())

    def test_it_may_send_to_exactly_the_queues_that_it_is_told_of(self, name: str) -> None:
        told = {value["Ref"] for key, value in environment(name).items() if key.endswith("_QUEUE_URL")}
        told |= set(re.findall(r"\$\{(\w+)\}", environment(name).get("CHANNEL_QUEUES", {}).get("Fn::Sub", "")))
        failures = {"StreamFailureQueue"} if name == "PlanNotificationsFunction" else set()
        may = {resource["Fn::GetAtt"][0] for resource in allowed(name, "sqs:SendMessage")}
        assert may == told | failures

    def test_it_may_read_the_secret_exactly_if_it_is_told_of_it(self, name: str) -> None:
        told = "DEPLOYMENT_SECRET_ARN" in environment(name)
        assert bool(allowed(name, "secretsmanager:GetSecretValue")) == told

    def test_it_may_open_credentials_exactly_if_it_is_told_of_the_key_and_for_one_organization(self, name: str) -> None:
        told = "KMS_KEY_ARN" in environment(name)
        key = [{"Fn::GetAtt": ["ChannelsKey", "Arn"]}] if told else []
        assert allowed(name, "kms:Decrypt") == key
        assert allowed(name, "kms:Encrypt") == (key if name == "SettingsApiFunction" else [])
        for statement in statements(name):
            if any(action.startswith("kms:") for action in as_list(statement["Action"])):
                assert statement["Condition"] == {
                    "Null": {"kms:EncryptionContext:organization": "false"},
                    "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["organization"]},
                }

    def test_it_may_make_schedules_exactly_if_it_is_told_how(self, name: str) -> None:
        told = "SCHEDULER_ROLE_ARN" in environment(name)
        assert bool(allowed(name, "scheduler:CreateSchedule")) == told
        assert allowed(name, "iam:PassRole") == ([{"Fn::GetAtt": ["SchedulerRole", "Arn"]}] if told else [])

    def test_it_reads_exactly_the_queue_that_triggers_it(self, name: str) -> None:
        triggers = [
            body["Properties"]["EventSourceArn"]
            for body in template()["Resources"].values()
            if body["Type"] == "AWS::Lambda::EventSourceMapping"
            and body["Properties"]["FunctionName"] == {"Ref": name}
            and body["Properties"]["EventSourceArn"]["Fn::GetAtt"][0].endswith("Queue")
        ]
        assert allowed(name, "sqs:ReceiveMessage") == triggers


def test_only_the_email_sender_may_send_email_and_under_the_configuration_set() -> None:
    assert [name for name in FUNCTIONS if allowed(name, "ses:SendEmail")] == ["SendEmailFunction"]
    resources = [json.dumps(resource) for resource in allowed("SendEmailFunction", "ses:SendEmail")]
    assert len([resource for resource in resources if ":identity/" in resource]) == 3
    assert len([resource for resource in resources if ":configuration-set/${ConfigurationSet}" in resource]) == 1
    assert len(resources) == 4


def test_organizations_domains_are_touched_only_where_they_were_marked() -> None:
    marked = {"StringEquals": {"aws:ResourceTag/carillon": {"Ref": "AWS::StackName"}}}
    marking = {"StringEquals": {"aws:RequestTag/carillon": {"Ref": "AWS::StackName"}}}
    found: dict[tuple[str, str], Any] = {}
    for name in ("SendEmailFunction", "SettingsApiFunction"):
        for statement in statements(name):
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            if actions[0].startswith("ses:") and json.dumps(statement["Resource"]).endswith('identity/*"}'):
                found |= {(name, action): statement.get("Condition") for action in actions}
    assert found == {
        ("SendEmailFunction", "ses:SendEmail"): marked,
        ("SettingsApiFunction", "ses:GetEmailIdentity"): None,
        ("SettingsApiFunction", "ses:CreateEmailIdentity"): marking,
        ("SettingsApiFunction", "ses:TagResource"): marking,
        ("SettingsApiFunction", "ses:DeleteEmailIdentity"): marked,
        ("SettingsApiFunction", "ses:PutEmailIdentityMailFromAttributes"): marked,
    }


def test_a_schedule_may_do_nothing_but_put_what_is_due_in_its_queue() -> None:
    role = template()["Resources"]["SchedulerRole"]["Properties"]
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sqs:SendMessage"
    assert [resource["Fn::GetAtt"][0] for resource in statement["Resource"]] == [
        "DueQueue",
        "RecapsQueue",
        "SchedulerDeadLetterQueue",
    ]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_environment_is_what_the_configuration_class_reads(name: str) -> None:
    if not (ROOT / "functions" / folder_of(name) / "app.py").exists():
        pytest.skip(f"functions/{folder_of(name)} is not there yet")
    cls = getattr(config, name.removesuffix("Function") + "Config")
    assert {field.name.upper() for field in dataclasses.fields(cls)} == set(environment(name))


def test_every_function_folder_is_in_the_template() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert folders - {folder_of(name) for name in FUNCTIONS} == set()
