"""The deployment's secret."""

from functools import cache

from carillon.adapters.aws import client
from carillon.adapters.secrets import DeploymentSecret
from carillon.bootstrap import current_clock


@cache
def secret(arn: str) -> DeploymentSecret:
    """Give the deployment's secret."""
    return DeploymentSecret(client("secretsmanager"), arn, current_clock)
