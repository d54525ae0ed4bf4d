"""Rules, a full house, and verdicts put shortly, for the tests of decisions."""

from typing import Any

from carillon.domain.catalog import Audience
from carillon.domain.channels import Channel
from carillon.domain.decisions import Facts, Verdict
from carillon.domain.rules import Rule, RuleChannel, Rules, RulesInForce
from carillon.domain.settings import Notified
from tests.builders import (
    appointment,
    facts,
    record,
    settings,
    staff,
)


def rule(key: str, audience: Audience, *channels: Channel, **changes: Any) -> Rule:
    return Rule(
        id=f"{key}.{audience}",
        key=key,
        event=key,
        audience=audience,
        channels={name: RuleChannel(enabled=True) for name in channels},
        **changes,
    )


def ruled(*rules: Rule) -> RulesInForce:
    return RulesInForce(Rules(rules=list(rules)), "organization")


def sends(verdicts: list[Verdict]) -> list[tuple[str, str, str, str | None]]:
    return [
        (item.recipient.audience, item.recipient.ref, item.channel, item.address)
        for verdict in verdicts
        for item in verdict.send
    ]


def refusals(verdicts: list[Verdict]) -> list[tuple[str, str, str | None]]:
    return [(item.recipient.ref, item.channel, item.reason) for verdict in verdicts for item in verdict.refused]


def everybody(**changes: Any) -> Facts:
    """An appointment with two collaborators, a manager and an owner among the staff, and both in the settings."""
    basis: dict[str, Any] = {
        "record": record(appointment(staff_ids=["s1", "s2"])),
        "staff": {
            "s1": staff("s1"),
            "s2": staff("s2"),
            "m1": staff("m1", roles=["manager"]),
            "o1": staff("o1", roles=["owner"]),
        },
        "settings": settings(manager=Notified(email="manager@example.com"), owner=Notified(email="owner@example.com")),
    }
    return facts(**(basis | changes))
