"""Makes the template's tables, queues, topics and secrets through boto3 clients, wherever these point to.

Used on ministack by the local cloud and on moto by the integration tests. Making what is there already does
nothing, so a restart can call it again.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.template import Resource, Template

_EXISTS = frozenset(
    {"ResourceInUseException", "ResourceExistsException", "ConflictException", "BucketAlreadyOwnedByYou"}
)
_QUEUE_PROPERTIES = (
    "DelaySeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
    "FifoQueue",
    "ContentBasedDeduplication",
)
_TABLE_PROPERTIES = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
)


@dataclass(frozen=True)
class Clients:
    """The boto3 clients that make resources; scheduler may be None where groups are made elsewhere."""

    dynamodb: Any
    sqs: Any
    sns: Any
    secretsmanager: Any
    kms: Any
    s3: Any
    scheduler: Any = None


def create_all(template: Template, clients: Clients) -> None:
    """Make every table, queue, topic, subscription, secret, key, bucket and schedule group, in that order."""
    create_tables(template, clients.dynamodb)
    create_queues(template, clients.sqs)
    create_topics(template, clients.sns)
    create_secrets(template, clients.secretsmanager)
    create_keys(template, clients.kms)
    create_buckets(template, clients.s3)
    if clients.scheduler is not None:
        create_groups(template, clients.scheduler)


def create_tables(template: Template, client: Any) -> None:
    """Make the tables with indexes, stream and TTL, and note their stream's ARN in the template."""
    for table in template.resources("AWS::DynamoDB::Table"):
        properties = table.properties
        request: dict[str, Any] = {key: properties[key] for key in _TABLE_PROPERTIES if key in properties}
        for indexes in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            if properties.get(indexes):
                request[indexes] = [
                    {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
                    for index in properties[indexes]
                ]
        if "StreamSpecification" in properties:
            view = properties["StreamSpecification"]["StreamViewType"]
            request["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
        created = _unless_exists(client.create_table, TableName=table.name, **request)
        if created:
            _enable_ttl(client, table)
        description = client.describe_table(TableName=table.name)["Table"]
        if "LatestStreamArn" in description:
            template.overrides[table.logical_id, "StreamArn"] = description["LatestStreamArn"]


def _enable_ttl(client: Any, table: Resource) -> None:
    ttl = table.properties.get("TimeToLiveSpecification")
    if ttl:
        client.update_time_to_live(
            TableName=table.name,
            TimeToLiveSpecification={"Enabled": bool(ttl["Enabled"]), "AttributeName": ttl["AttributeName"]},
        )


def create_queues(template: Template, client: Any) -> None:
    """Make the queues, those without a redrive policy first, since a dead-letter queue must exist before."""
    queues = template.resources("AWS::SQS::Queue")
    for queue in sorted(queues, key=lambda entry: "RedrivePolicy" in entry.properties):
        attributes = {key: _attribute(queue.properties[key]) for key in _QUEUE_PROPERTIES if key in queue.properties}
        if "RedrivePolicy" in queue.properties:
            attributes["RedrivePolicy"] = json.dumps(queue.properties["RedrivePolicy"])
        client.create_queue(QueueName=queue.name, Attributes=attributes)


def _attribute(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def create_topics(template: Template, client: Any) -> None:
    """Make the topics and their subscriptions by queues."""
    for topic in template.resources("AWS::SNS::Topic"):
        client.create_topic(Name=topic.name)
    for subscription in template.resources("AWS::SNS::Subscription"):
        properties = subscription.properties
        if properties["Protocol"] != "sqs":
            continue
        attributes = {"RawMessageDelivery": _attribute(properties.get("RawMessageDelivery", False))}
        if "FilterPolicy" in properties:
            attributes["FilterPolicy"] = json.dumps(properties["FilterPolicy"])
        client.subscribe(
            TopicArn=properties["TopicArn"],
            Protocol="sqs",
            Endpoint=properties["Endpoint"],
            Attributes=attributes,
        )


def create_secrets(template: Template, client: Any) -> None:
    """Make the secrets, generated where the template says so, and note their ARNs in the template."""
    for secret in template.resources("AWS::SecretsManager::Secret"):
        text = secret.properties.get("SecretString")
        if text is None:
            text = _generated(secret.properties.get("GenerateSecretString", {}))
        _unless_exists(client.create_secret, Name=secret.name, SecretString=text)
        arn = client.describe_secret(SecretId=secret.name)["ARN"]
        template.overrides[secret.logical_id, None] = arn
        template.overrides[secret.logical_id, "Arn"] = arn
        template.overrides[secret.logical_id, "Id"] = arn


def _generated(rule: Mapping[str, Any]) -> str:
    alphabet = string.ascii_letters + ("" if rule.get("ExcludeNumbers") else string.digits)
    length = int(rule.get("PasswordLength", 32))
    password = "".join(secrets.choice(alphabet) for _ in range(length))
    if "GenerateStringKey" not in rule:
        return password
    document = json.loads(rule.get("SecretStringTemplate", "{}"))
    return json.dumps(document | {str(rule["GenerateStringKey"]): password})


def create_keys(template: Template, client: Any) -> None:
    """Make the keys, each found again under an alias of its name, and note their ARNs in the template."""
    known = {alias["AliasName"]: alias.get("TargetKeyId") for alias in client.list_aliases()["Aliases"]}
    for key in template.resources("AWS::KMS::Key"):
        alias = f"alias/{key.name}"
        if alias not in known:
            made = client.create_key(Description=key.properties.get("Description", ""))
            known[alias] = made["KeyMetadata"]["KeyId"]
            client.create_alias(AliasName=alias, TargetKeyId=known[alias])
        arn = client.describe_key(KeyId=known[alias])["KeyMetadata"]["Arn"]
        template.overrides[key.logical_id, "Arn"] = arn
        template.overrides[key.logical_id, None] = arn.rpartition("/")[2]


def create_buckets(template: Template, client: Any) -> None:
    """Make the buckets, in the template's region; what is in them expires on AWS alone."""
    for bucket in template.resources("AWS::S3::Bucket"):
        where = {"CreateBucketConfiguration": {"LocationConstraint": template.region}}
        _unless_exists(client.create_bucket, Bucket=bucket.name, **({} if template.region == "us-east-1" else where))


def create_groups(template: Template, client: Any) -> None:
    """Make the Scheduler groups."""
    for group in template.resources("AWS::Scheduler::ScheduleGroup"):
        _unless_exists(client.create_schedule_group, Name=group.name)


def _unless_exists(call: Any, **arguments: Any) -> bool:
    """Call, answering False if the thing exists already."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in _EXISTS:
            return False
        raise
    return True
