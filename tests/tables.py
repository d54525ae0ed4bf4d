"""The table of template.yaml on moto, in this process and without a socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml
from moto import mock_aws

from carillon.adapters.dynamodb.table import Table
from tests.aws_rules import watching
from tests.builders import NOW

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
MADE_WITH = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's YAML; its functions don't matter here."""


_Loader.add_multi_constructor("!", lambda *_: None)


class CountingTable(Table):
    """A table that counts the calls made to DynamoDB."""

    def __init__(self, client: Any, name: str) -> None:
        super().__init__(client, name)
        self.calls: list[str] = []
        client.meta.events.register("provide-client-params.dynamodb", self._count)

    def _count(self, *, model: Any, **_: Any) -> None:
        self.calls.append(model.name)


@cache
def _table_properties() -> dict[str, Any]:
    # S506: the loader is a SafeLoader.
    properties: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader=_Loader)["Resources"]["Table"]["Properties"]  # noqa: S506
    return properties


@contextmanager
def table_on_moto() -> Iterator[CountingTable]:
    """Make the table as the template describes it: keys and indexes."""
    properties = _table_properties()
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
        client.create_table(TableName="table", **{name: properties[name] for name in MADE_WITH})
        with watching(client.meta.events, lambda: NOW):
            yield CountingTable(client, "table")
