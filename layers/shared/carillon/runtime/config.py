"""What each function is told by its environment: one frozen class per function, one field per variable.

A field is named like its variable in lower case. Nothing is read at import; a bootstrap calls `load` once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

C = TypeVar("C")


class MisconfiguredError(RuntimeError):
    """Environment variables that a function needs are missing; the message names all of them."""


def load(cls: type[C], environ: Mapping[str, str]) -> C:
    """Read a configuration class from the environment; raises MisconfiguredError naming every missing variable."""
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    missing = [name.upper() for name in names if name.upper() not in environ]
    if missing:
        raise MisconfiguredError(f"{cls.__name__} needs the environment variables {', '.join(missing)}")
    return cls(**{name: environ[name.upper()] for name in names})


@dataclass(frozen=True, slots=True)
class AuthorizerConfig:
    """`operator_key_hash`: hex SHA-256 of the operator's key, empty for none."""

    table_name: str
    operator_key_hash: str


@dataclass(frozen=True, slots=True)
class SettingsApiConfig:
    """The senders of the deployment show on the cards of `/v1/integrations`; an empty one is not connected."""

    table_name: str
    email_from: str
    sms_sender_id: str
    whatsapp_from: str


@dataclass(frozen=True, slots=True)
class ContactsApiConfig:
    """Clients and staff need the table alone."""

    table_name: str


@dataclass(frozen=True, slots=True)
class RecordsApiConfig:
    """Records need the table alone."""

    table_name: str


@dataclass(frozen=True, slots=True)
class MessagesApiConfig:
    """Messages need the table alone."""

    table_name: str
