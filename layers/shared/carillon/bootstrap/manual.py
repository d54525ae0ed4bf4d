"""What people who write messages themselves stand on."""

import json
from functools import cache

from carillon.adapters.aws import client
from carillon.adapters.connections import DeploymentConnections
from carillon.adapters.dynamodb.idempotency import DynamoAnswers
from carillon.adapters.dynamodb.manual import DynamoManualMessages
from carillon.adapters.dynamodb.quota import DynamoQuota
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoRecords
from carillon.adapters.dynamodb.replies import DynamoAddressBook
from carillon.adapters.files import S3Files
from carillon.adapters.queues import SqsQueues
from carillon.adapters.system import RandomIds
from carillon.adapters.tokens import SignedLinks
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.marks import address_marks
from carillon.bootstrap.secrets import secret
from carillon.domain.channels import Channel
from carillon.runtime.config import MessagesApiConfig
from carillon.services.manual import Manual
from carillon.services.other_addresses import OtherAddresses


@cache
def answers() -> DynamoAnswers:
    """Give where answers of repeated calls are kept."""
    return DynamoAnswers(table(config(MessagesApiConfig).table_name), current_clock)


def public_url(domain: str) -> str:
    """Give the address under which the outside world reaches the API; `domain` is API Gateway's own."""
    return config(MessagesApiConfig).public_base_url.rstrip("/") or f"https://{domain}"


@cache
def manual() -> Manual:
    """Make what shows and sends manual messages."""
    # Reading the log does without the renderer, and without the numbering plans.
    from carillon.adapters.phones import NumberPlans  # noqa: PLC0415
    from carillon.adapters.writing import ManualWriter  # noqa: PLC0415

    told = config(MessagesApiConfig)
    items, key = table(told.table_name), secret(told.deployment_secret_arn).signing_key
    senders: dict[Channel, str] = {
        "email": told.email_from,
        "sms": told.sms_sender_id,
        "whatsapp": told.whatsapp_from,
    }
    connections, reader = DeploymentConnections(items, senders, current_clock), DynamoReader(items)
    return Manual(
        reader=reader,
        records=DynamoRecords(items),
        store=DynamoManualMessages(items),
        writing=ManualWriter(items, connections, current_clock, lambda url: SignedLinks(key, url)),
        files=S3Files(lambda: client("s3"), told.attachments_bucket),
        quota=DynamoQuota(items),
        others=OtherAddresses(
            reader, DynamoAddressBook(items), address_marks(told.table_name, told.deployment_secret_arn)
        ),
        queues=SqsQueues(client("sqs"), channels=json.loads(told.channel_queues)),
        connections=connections,
        phones=NumberPlans(),
        clock=current_clock,
        ids=RandomIds(),
    )
