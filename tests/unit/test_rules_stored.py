"""Rules as stored: in short, and whole again whatever the catalog has come to offer since."""

from dataclasses import replace

from carillon.domain import codec
from carillon.domain.rules import (
    Rule,
    RuleChannel,
    Rules,
    RuleWhen,
    SavedRules,
    default_rules,
    in_force,
    rules_in_force,
    saved,
)


def changed() -> Rules:
    first, *others = default_rules().rules
    mine = replace(
        first,
        include_actor=True,
        channels={**first.channels, "sms": RuleChannel(enabled=True, template="own.hi"), "email": RuleChannel()},
    )
    bound = Rule(
        id="b",
        key="order.created",
        event="order.created",
        audience="client",
        when=RuleWhen(status="new"),
        channels={"email": RuleChannel(enabled=True)},
    )
    return Rules(rules=[mine, *others, bound])


def test_what_is_stored_reads_back_as_it_was() -> None:
    text = codec.dumps(saved(changed()))
    assert rules_in_force(text).rules == changed()
    assert rules_in_force(text).level == "organization"


def test_the_whole_matrix_takes_one_read_unit() -> None:
    assert len(codec.dumps(saved(default_rules())).encode()) < 4096


def test_a_row_that_came_later_has_its_default() -> None:
    stored = saved(changed())
    rows = {name: choice for name, choice in stored.rows.items() if name != "appointment.refused.client"}
    found = in_force(SavedRules(rows=rows, bound=stored.bound))
    assert found == changed()


def test_a_row_that_went_is_left_out() -> None:
    stored = saved(changed())
    more = SavedRules(rows={**stored.rows, "appointment.gone.client": next(iter(stored.rows.values()))}, bound=[])
    assert [rule.id for rule in in_force(more).rules] == [rule.id for rule in default_rules().rules]


def test_without_stored_rules_the_catalog_decides() -> None:
    assert (rules_in_force(None).rules, rules_in_force(None).level) == (default_rules(), "builtin")
