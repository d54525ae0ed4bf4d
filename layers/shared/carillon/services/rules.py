"""Rules: read as the whole matrix, saved whole or not at all, with the audit entry in the same write."""

from collections.abc import Callable, Collection
from dataclasses import field
from typing import Annotated, Literal

from carillon.domain.catalog import Audience
from carillon.domain.channels import ALL, CHANNELS, Channel
from carillon.domain.codec import Json, to_data
from carillon.domain.constraints import Id, Items, Text, document
from carillon.domain.errors import Contended, Fault, Invalid, NotFound, PreconditionFailed
from carillon.domain.organizations import Caller
from carillon.domain.rules import Rule, RuleChannel, Rules, RuleWhen, saved
from carillon.domain.rules_check import NOT_CONNECTED, complete, faults
from carillon.ports.delivery import Connections
from carillon.ports.directory import AuditEntry, RulesState, RulesStore, Stored
from carillon.ports.system import Clock, Ids
from carillon.services.enrolment import open_only
from carillon.services.settings import CHANGED, version_of

ROUNDS = 4
MAX_RULES = 300


@document
class ShownChannel:
    """One channel of a rule; `template` names a template key, without one it is the rule's own.

    Read-only: `editable` (push can't be switched here), `available` and its `reason`.
    """

    __omit_none__ = True

    enabled: bool = False
    template: Annotated[str, Text(max=100, min=1)] | None = None
    editable: bool | None = None
    available: bool | None = None
    reason: str | None = None


@document
class ShownRule:
    """A rule. `key` and `audience` name a row of the catalog; with `when.status` it is bound to that status of `event`.

    `id` is read-only for rows of the catalog; of others it is your own or made here. Channels left out are off.
    """

    id: Id | None = None
    key: Annotated[str, Text(max=100, min=1)] | None = None
    event: Annotated[str, Text(max=100, min=1)] | None = None
    audience: Audience
    when: RuleWhen | None = None
    include_actor: bool = False
    channels: dict[Channel, ShownChannel] = field(default_factory=dict)


@document
class RulesDocument:
    """Every row of the catalog for each of its audiences, then the rules bound to a status.

    The list given replaces the whole. Rows of the catalog can be switched off, not removed.
    """

    rules: Annotated[list[ShownRule], Items(max=MAX_RULES)]


@document
class RuleWarning:
    """Something that is allowed and may not be meant."""

    pointer: str
    code: Literal["channel_not_connected"]
    message: str


@document
class SavedRulesDocument(RulesDocument):
    """Rules as saved; `warnings` come in the answer of a PUT only."""

    warnings: list[RuleWarning] = field(default_factory=list)


class RuleKeeping:
    """Use cases on the rules document; hidden while notifications are inactive."""

    def __init__(self, store: RulesStore, connections: Connections, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._connections = connections
        self._clock = clock
        self._ids = ids

    def read(self, org_id: str) -> tuple[RulesDocument, str]:
        """Give the rules in force and their version."""
        state = self._load(org_id)
        return RulesDocument(rules=self._shown(state, state.rules.rules)), str(state.version)

    def save(
        self,
        caller: Caller,
        given: Collection[str],
        read: Callable[[Json, Callable[[Json], list[Fault]]], RulesDocument],
        version: str | None,
    ) -> tuple[SavedRulesDocument, str]:
        """Save the rules over `version` (None: any); `read` makes them from those of now, with the checks given.

        They are in force for the next decision. Raises Invalid (`channel_not_configurable` for push switched),
        PreconditionFailed (`version_conflict`).
        """
        for _ in range(ROUNDS):
            state = self._load(caller.org_id)
            expected = state.version if version is None else version_of(version)
            if expected != state.version:
                raise PreconditionFailed("version_conflict", CHANGED)
            rules = self._rules(state, given, read)
            now, after = self._clock.now(), saved(rules)
            entry = AuditEntry(self._ids.ulid(now), now, caller.actor, "rules", expected + 1, after)
            if self._store.save(caller.org_id, Stored(after, expected), entry):
                shown = self._shown(state, rules)
                return SavedRulesDocument(rules=shown, warnings=_warnings(shown)), str(expected + 1)
            if version is not None:
                raise PreconditionFailed("version_conflict", CHANGED)
        raise Contended("the rules are being changed by others")

    def _rules(
        self,
        state: RulesState,
        given: Collection[str],
        read: Callable[[Json, Callable[[Json], list[Fault]]], RulesDocument],
    ) -> Rules:
        connected = self._connections.connected(state.organization, state.settings)

        def check(data: Json) -> list[Fault]:
            return faults(data.get("rules"), connected)

        base = {} if "rules" in given else {"rules": to_data(self._shown(state, state.rules.rules))}
        try:
            stated = read(base, check)
        except Invalid as error:
            raise _named(error.faults) from error
        if found := check(to_data(stated)):
            raise _named(found)
        now = self._clock.now()
        return complete([_rule(each) for each in stated.rules], lambda: self._ids.ulid(now))

    def _load(self, org_id: str) -> RulesState:
        state = self._store.load(org_id)
        if state is None:
            raise NotFound("there is no such organization")
        open_only(state.organization)
        return state

    def _shown(self, state: RulesState, rules: Rules) -> list[ShownRule]:
        connected = self._connections.connected(state.organization, state.settings)
        return [
            ShownRule(
                id=rule.id,
                key=rule.key,
                event=rule.event,
                audience=rule.audience,
                when=rule.when,
                include_actor=rule.include_actor,
                channels={name: _channel(rule, name, available=name in connected) for name in ALL},
            )
            for rule in rules.rules
        ]


def _channel(rule: Rule, name: Channel, *, available: bool) -> ShownChannel:
    entry = rule.channels.get(name, RuleChannel())
    configurable = CHANNELS[name].configurable
    return ShownChannel(
        enabled=entry.enabled or not configurable,
        template=entry.template,
        editable=configurable,
        available=available,
        reason=None if available else NOT_CONNECTED,
    )


def _rule(stated: ShownRule) -> Rule:
    return Rule(
        id=stated.id or "",
        key=stated.key or "",
        event=stated.event or "",
        audience=stated.audience,
        when=stated.when,
        include_actor=stated.include_actor,
        channels={
            name: RuleChannel(enabled=entry.enabled, template=entry.template)
            for name, entry in stated.channels.items()
            if CHANNELS[name].configurable
        },
    )


def _named(found: Collection[Fault]) -> Invalid:
    """Refuse; under the code of a switched push where nothing else is wrong."""
    faulty = list(found)
    only_switched = all(fault.code == "channel_not_configurable" for fault in faulty)
    return Invalid(faulty, code="channel_not_configurable" if only_switched else "invalid_input")


def _warnings(rules: list[ShownRule]) -> list[RuleWarning]:
    return [
        RuleWarning(
            pointer=f"/rules/{place}/channels/{name}",
            code="channel_not_connected",
            message=f"{name} is not connected; nothing is sent on it until it is",
        )
        for place, rule in enumerate(rules)
        for name, entry in rule.channels.items()
        if entry.enabled and entry.editable and not entry.available
    ]
