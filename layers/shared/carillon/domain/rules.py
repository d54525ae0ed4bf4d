"""Rules: which event reaches which audience over which channels. The defaults come from the catalog."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated

from carillon.domain.catalog import EVENT_ROWS, Audience
from carillon.domain.channels import ALL, CHANNELS, Channel
from carillon.domain.constraints import Id, Items, Text, document


@document
class RuleChannel:
    """One channel of a rule; `template` names a template key, None means the row's own."""

    enabled: bool = False
    template: Annotated[str, Text(max=100, min=1)] | None = None


@document
class RuleWhen:
    """What a rule is bound to besides its event."""

    __omit_none__ = True

    status: Annotated[str, Text(max=64, min=1)] | None = None


@document
class Rule:
    """A rule: `key` is a template key of the catalog (or the event, for rules bound to a status)."""

    id: Id
    key: str
    event: str
    audience: Audience
    when: RuleWhen | None = None
    include_actor: bool = False
    channels: dict[Channel, RuleChannel] = field(default_factory=dict)

    @property
    def enabled_channels(self) -> tuple[Channel, ...]:
        """The channels on which this rule sends; push goes beside them without being listed."""
        return tuple(name for name in ALL if CHANNELS[name].configurable and self._on(name))

    def _on(self, channel: Channel) -> bool:
        entry = self.channels.get(channel)
        return entry is not None and entry.enabled

    def template_for(self, channel: Channel) -> str:
        """Name the template key for a channel."""
        entry = self.channels.get(channel)
        return entry.template if entry is not None and entry.template else self.key


@document
class Rules:
    """All rules of an organization."""

    rules: Annotated[list[Rule], Items(max=500)]

    def for_row(self, key: str, audience: Audience) -> Rule | None:
        """Find the unbound rule of a catalog row and audience."""
        return next((r for r in self.rules if r.key == key and r.audience == audience and r.when is None), None)


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """Rules and where they come from: `builtin` until the organization saves its own."""

    rules: Rules
    level: str


@lru_cache(maxsize=1)
def default_rules() -> Rules:
    """Give every row and audience of the catalog with its default."""
    return Rules(
        rules=[
            Rule(
                id=f"{row.key}.{audience}",
                key=row.key,
                event=row.event,
                audience=audience,
                channels={
                    name: RuleChannel(enabled=name == "email" and on) for name in ALL if CHANNELS[name].configurable
                },
            )
            for row in EVENT_ROWS
            for audience, on in row.offers.items()
        ]
    )


DEFAULTS_LEVEL, ORGANIZATION_LEVEL = "builtin", "organization"
