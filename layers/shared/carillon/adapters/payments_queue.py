"""The SQS queue of top-ups that are to be settled."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from carillon.domain.errors import Contended
from carillon.domain.organizations import OPERATOR_ORG
from carillon.domain.top_ups import Reference

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

BATCH = 10


class SqsPayments:
    """See the port `PaymentsQueue`."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, references: Sequence[Reference]) -> None:
        """Put them on the queue, ten a call; of whose payment nobody knows yet, they stand alone."""
        for begin in range(0, len(references), BATCH):
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": json.dumps(to_data(each), separators=(",", ":")),
                        "MessageGroupId": each.org_id or OPERATOR_ORG,
                    }
                    for number, each in enumerate(references[begin : begin + BATCH])
                ],
            )
            if answer.get("Failed"):
                raise Contended(f"SQS did not take {len(answer['Failed'])} of a batch")


def to_data(reference: Reference) -> dict[str, Any]:
    """Write a reference as a queue message."""
    return {
        "o": reference.org_id,
        "id": reference.top_up,
        "pi": reference.payment,
        "event": reference.event,
        "type": reference.type,
    }


def from_data(data: Mapping[str, Any]) -> Reference:
    """Read a queue message."""
    return Reference(data["event"], data["type"], data.get("o"), data.get("id"), data.get("pi"))
