"""The authorizer's one service."""

from functools import cache

from carillon import bootstrap
from carillon.adapters.dynamodb.organizations import DynamoOrganizations
from carillon.runtime.config import AuthorizerConfig
from carillon.services.authentication import Authentication


@cache
def authentication() -> Authentication:
    """Give what tells whose a key is."""
    config = bootstrap.config(AuthorizerConfig)
    credentials = DynamoOrganizations(bootstrap.table(config.table_name))
    return Authentication(credentials, bootstrap.current_clock, config.operator_key_hash)
