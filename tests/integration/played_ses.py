"""SES's identities as the local cloud plays them, in the place of botocore's client."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from carillon.adapters import aws as aws_clients
from carillon.bootstrap import channels as bootstrap
from local.fakes.ses_identities import Identities, IdentityError, Notes
from tests.integration.account import REGION


class PlayedSes:
    """SES's identities as the local cloud plays them, called as botocore's client is."""

    def __init__(self) -> None:
        self.identities = Identities(Notes(), REGION, ["platform.example"])
        self.calls: list[str] = []
        self.answer: Exception | None = None
        self.dies_after: int | None = None

    class meta:  # noqa: N801 - as botocore's client has it
        region_name = REGION

    def get_email_identity(self, **given: Any) -> Any:
        return self._ask("get", lambda: self.identities.get(given["EmailIdentity"]))

    def create_email_identity(self, **given: Any) -> Any:
        return self._ask("create", lambda: self.identities.create(given))

    def delete_email_identity(self, **given: Any) -> Any:
        return self._ask("delete", lambda: self.identities.delete(given["EmailIdentity"]))

    def put_email_identity_mail_from_attributes(self, **given: Any) -> Any:
        return self._ask("mail_from", lambda: self.identities.put_mail_from(given["EmailIdentity"], given))

    def _ask(self, name: str, act: Any) -> Any:
        self.calls.append(name)
        if self.answer is not None:
            raise self.answer
        try:
            found = act()
        except IdentityError as error:
            raise ClientError({"Error": {"Code": error.code, "Message": str(error)}}, name) from error
        if self.dies_after == len(self.calls):
            raise DiedError
        return found


class DiedError(BaseException):
    """The process ends here."""


def played_ses(monkeypatch: pytest.MonkeyPatch) -> PlayedSes:
    """Have the channels' routes ask a played SES."""
    played, real = PlayedSes(), aws_clients.client
    monkeypatch.setattr(bootstrap, "client", lambda name: played if name == "sesv2" else real(name))
    return played
