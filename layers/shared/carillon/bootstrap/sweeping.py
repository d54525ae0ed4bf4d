"""Hands every organization to the jobs."""

from carillon.adapters.aws import client
from carillon.adapters.dynamodb.organizations import DynamoOrganizations
from carillon.adapters.queues import SqsQueues
from carillon.bootstrap import config, table
from carillon.domain.organizations import TEST_SUFFIX
from carillon.runtime.config import SweepConfig


def enqueue_sweeps() -> int:
    """Put a job on the queue for every data set of every organization; gives their number."""
    told = config(SweepConfig)
    return enqueue_for_all({"kind": "sweep"}, told.table_name, told.jobs_queue_url)


def enqueue_for_all(job: dict[str, str | None], table_name: str, jobs_queue_url: str) -> int:
    """Put a job on the queue for every data set of every organization; gives their number."""
    organizations = DynamoOrganizations(table(table_name))
    jobs = SqsQueues(client("sqs"), channels={}, jobs=jobs_queue_url)
    count, position = 0, None
    while True:
        page = organizations.page(100, position)
        names = [name for found in page.items for name in (found.id, found.id + TEST_SUFFIX) if not found.deleted]
        jobs.send_jobs([{**job, "o": name} for name in names])
        count, position = count + len(names), page.position
        if position is None:
            return count
