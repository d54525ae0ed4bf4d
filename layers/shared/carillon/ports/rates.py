"""Where it is kept how much of an organization's rate is given away."""

from typing import Protocol

from carillon.domain.rates import Rate, Taking, Used


class Rates(Protocol):
    """How far the lanes of organizations are given away, over all processes."""

    def take(self, org_id: str, rate: Rate, taking: Taking, believed: Used, now: int) -> tuple[bool, Used]:
        """Take slots in one write; gives how far the lanes were given away before it.

        `believed`: what the caller last knew. Where it is wrong about whether a lane that is taken of is ahead of `now`
        (microseconds), or the general one is not within what was asked, nothing is taken: False, and the truth.
        """
