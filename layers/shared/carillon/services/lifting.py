"""Lifting a suppression: somebody of the business has seen to an address that bounced."""

from typing import Literal

from carillon.domain.constraints import Email, document
from carillon.domain.errors import Conflict
from carillon.services.suppressing import Suppressing


@document
class LiftInput:
    """An address, and the channel on which it is not written to any more."""

    channel: Literal["email"] = "email"
    address: Email


@document
class Lifted:
    """The address, which is written to again from now on."""

    channel: Literal["email"]
    address: Email


class Lifting:
    """Use case on suppressed addresses; open also while notifications are inactive."""

    def __init__(self, suppressing: Suppressing) -> None:
        self._suppressing = suppressing

    def lift(self, org_id: str, stated: LiftInput) -> Lifted:
        """Let an address be written to again; one that never was suppressed stays as it is.

        Raises Conflict (`opted_out`) where its owner complained: nobody else can take that back.
        """
        holds = self._suppressing.lift(org_id, stated.channel, stated.address)
        if holds is not None:
            raise Conflict("opted_out", "whoever has this address reported mail as spam; use another way to reach them")
        return Lifted(channel=stated.channel, address=stated.address)
