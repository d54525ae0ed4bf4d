"""What turns recaps that are due into messages."""

from functools import cache

from carillon.adapters.dynamodb.days import DynamoDays
from carillon.adapters.dynamodb.messages import DynamoMessages
from carillon.adapters.dynamodb.reader import DynamoReader
from carillon.adapters.dynamodb.recap_plans import DynamoRecapPlans
from carillon.adapters.recap_crons import recap_from_data
from carillon.adapters.system import RandomIds
from carillon.bootstrap import config, current_clock, table
from carillon.bootstrap.outbound import connections, queues
from carillon.runtime.config import SendRecapConfig
from carillon.services.making import MessageMaker
from carillon.services.recapping import Recapper

read_due = recap_from_data


@cache
def recapper() -> Recapper:
    """Make it."""
    told = config(SendRecapConfig)
    items = table(told.table_name)
    return Recapper(
        reader=DynamoReader(items),
        days=DynamoDays(items),
        plans=DynamoRecapPlans(items),
        messages=DynamoMessages(items),
        queues=queues(told),
        connections=connections(told),
        maker=MessageMaker(RandomIds()),
        clock=current_clock,
    )
