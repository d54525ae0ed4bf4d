"""What simulations stand on. The dispatcher and the renderer come along on the first one only."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from carillon.adapters.dynamodb.client_days import DynamoClientDays
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.records import DynamoDueRows, DynamoRecords
from carillon.adapters.dynamodb.review_requests import DynamoReviewRequests
from carillon.bootstrap import config, current_clock, table
from carillon.runtime.config import RecordsApiConfig

if TYPE_CHECKING:
    from carillon.services.simulating import Simulating


@cache
def simulating() -> Simulating:
    """Make what simulates."""
    from carillon.adapters.composing import TemplateComposer  # noqa: PLC0415 - only simulating renders
    from carillon.adapters.connections import DeploymentConnections  # noqa: PLC0415 - only this and explaining need it
    from carillon.services.simulating import Simulating  # noqa: PLC0415 - the dispatcher comes with it

    told = config(RecordsApiConfig)
    items = table(told.table_name)
    senders = {"email": told.email_from, "sms": told.sms_sender_id, "whatsapp": told.whatsapp_from}
    connections = DeploymentConnections(items, senders, current_clock)  # type: ignore[arg-type]
    return Simulating(
        DynamoReader(items),
        DynamoRecords(items),
        DynamoDueRows(items),
        connections,
        TemplateComposer(items, connections, current_clock),
        current_clock,
        DynamoClientDays(items),
        DynamoReviewRequests(items),
    )
