"""What is known of addresses, whoever has them."""

from carillon.adapters.dynamodb.address_marks import DynamoAddressMarks
from carillon.adapters.dynamodb.suppressions import DynamoSuppressions
from carillon.bootstrap import table
from carillon.bootstrap.secrets import secret
from carillon.ports.suppressions import AddressMarks


def address_marks(table_name: str, secret_arn: str) -> AddressMarks:
    """Make what knows addresses; the secret is read when a lead's contact is first met."""
    items = table(table_name)
    return DynamoAddressMarks(items, DynamoSuppressions(items, secret(secret_arn).signing_key))
