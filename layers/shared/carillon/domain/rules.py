"""Rules: which event reaches which audience over which channels. The defaults come from the catalog.

Stored is what an organization says of each row, in short; what the catalog has come to offer since stands in force
with its default.
"""

from dataclasses import field, replace
from functools import lru_cache
from typing import Annotated

from carillon.domain.catalog import EVENT_ROWS, Audience
from carillon.domain.channels import ALL, CHANNELS, LISTABLE, Channel
from carillon.domain.codec import loads
from carillon.domain.constraints import Id, Items, Text, document
from carillon.domain.values import value


@document
class RuleChannel:
    """One channel of a rule; `template` names a template key, None means the row's own."""

    __omit_none__ = True

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

    def for_status(self, key: str, audience: Audience, status: str | None) -> Rule | None:
        """Find the rule of a catalog row and audience that is bound to a status."""
        return next(
            (
                rule
                for rule in self.rules
                if rule.when is not None
                and rule.when.status == status
                and (rule.key, rule.audience) == (key, audience)
                and status is not None
            ),
            None,
        )


@value
class RulesInForce:
    """Rules and where they come from: `builtin` until the organization saves its own."""

    rules: Rules
    level: str


def rule_id(key: str, audience: str) -> str:
    """Name the rule of a catalog row for an audience; the last dot parts them, as no audience has one."""
    return f"{key}.{audience}"


@lru_cache(maxsize=1)
def default_rules() -> Rules:
    """Give every row and audience of the catalog with its default."""
    return Rules(
        rules=[
            Rule(
                id=rule_id(row.key, audience),
                key=row.key,
                event=row.event,
                audience=audience,
                channels={name: RuleChannel(enabled=name == "email" and on) for name in LISTABLE},
            )
            for row in EVENT_ROWS
            for audience, on in row.offers.items()
        ]
    )


DEFAULTS_LEVEL, ORGANIZATION_LEVEL = "builtin", "organization"


@document
class RowChoice:
    """What an organization says of one row and audience: where it is sent, and with which text if not the row's own."""

    __omit_none__ = True

    on: list[Channel]
    templates: dict[Channel, str] | None = None
    include_actor: bool | None = None


@document
class SavedRules:
    """The rules as stored: a choice for each row by the rule's id, and the rules bound to a status."""

    rows: dict[str, RowChoice]
    bound: list[Rule]


def saved(rules: Rules) -> SavedRules:
    """Write rules in short; one that says what the catalog says is written too, since it was chosen."""
    return SavedRules(
        rows={rule.id: _choice(rule) for rule in rules.rules if rule.when is None},
        bound=[rule for rule in rules.rules if rule.when is not None],
    )


def in_force(stored: SavedRules) -> Rules:
    """Give every row of the catalog, as chosen or else with its default, and then the rules bound to a status."""
    rows = [_chosen(rule, stored.rows.get(rule.id)) for rule in default_rules().rules]
    return Rules(rules=rows + stored.bound)


@lru_cache(maxsize=64)
def rules_in_force(text: str | None) -> RulesInForce:
    """Read stored rules (None: there are none), once per process and version: decisions read them all the time."""
    if text is None:
        return RulesInForce(default_rules(), DEFAULTS_LEVEL)
    return RulesInForce(in_force(loads(SavedRules, text)), ORGANIZATION_LEVEL)


def _choice(rule: Rule) -> RowChoice:
    templates = {name: entry.template for name, entry in rule.channels.items() if entry.template is not None}
    on = [name for name in LISTABLE if name in rule.channels and rule.channels[name].enabled]
    return RowChoice(on=on, templates=templates or None, include_actor=rule.include_actor or None)


def _chosen(rule: Rule, choice: RowChoice | None) -> Rule:
    if choice is None:
        return rule
    own = choice.templates or {}
    channels = {name: RuleChannel(enabled=name in choice.on, template=own.get(name)) for name in LISTABLE}
    return replace(rule, include_actor=bool(choice.include_actor), channels=channels)
