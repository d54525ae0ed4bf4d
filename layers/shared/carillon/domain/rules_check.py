"""What may be said in rules: checked on the document as it was sent, so that every fault is found at once."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

from carillon.domain.catalog import EVENT_ROWS, ROWS, Row, takes_status
from carillon.domain.channels import ALL, CHANNELS, Channel
from carillon.domain.errors import Fault
from carillon.domain.own_texts import offered
from carillon.domain.rules import Rule, Rules, default_rules, rule_id

NOT_CONNECTED = "channel_not_connected"
_EVENTS = {row.key: row for row in EVENT_ROWS}


def faults(rules: Any, connected: Collection[Channel]) -> list[Fault]:
    """Find what is wrong in a list of rules beyond its form, which may be wrong too."""
    if not isinstance(rules, list):
        return []
    found: list[Fault] = []
    seen: set[tuple[str, ...]] = set()
    ids: set[str] = set()
    for place, rule in enumerate(rules):
        if not isinstance(rule, dict):
            continue
        at = f"/rules/{place}"
        status = _status(rule)
        found += _bound(rule, at, ids) if status else _of_catalog(rule, at)
        found += _channels(rule, at, connected)
        row = _row(rule)
        if row is None or rule.get("audience") not in row.offers:
            continue
        what = (row.key, rule["audience"], status or "")
        if what in seen:
            found.append(Fault(at, "duplicate_key", "stands twice: one rule per row, audience and status"))
        seen.add(what)
    return [*found, *_missing(seen)]


def complete(rules: list[Rule], new_id: Callable[[], str]) -> Rules:
    """Fill in what checked rules may leave out: keys, events, and ids of those bound to a status; rows come first."""
    rows, bound = {}, []
    for rule in rules:
        row = _row({"id": rule.id, "key": rule.key, "event": rule.event})
        if row is None:
            raise ValueError("rules are checked before they are completed")
        whole = replace(rule, key=row.key, event=row.event)
        if rule.when is not None and rule.when.status:
            bound.append(replace(whole, id=rule.id or new_id()))
        else:
            name = rule_id(row.key, rule.audience)
            rows[name] = replace(whole, id=name, when=None)
    return Rules(rules=[rows[default.id] for default in default_rules().rules] + bound)


def _missing(seen: Collection[tuple[str, ...]]) -> Iterator[Fault]:
    for rule in default_rules().rules:
        if (rule.key, rule.audience, "") not in seen:
            message = f"{rule.id} is missing: a row of the catalog can be switched off, not removed"
            yield Fault("/rules", "missing_field", message)


def _row(rule: dict[str, Any]) -> Row | None:
    """Find the row a rule is about: by its key, its id, or an event that has one row."""
    key, event, name = rule.get("key") or None, rule.get("event") or None, rule.get("id") or None
    if key is not None:
        return _EVENTS.get(key) if isinstance(key, str) else None
    if isinstance(name, str) and not _status(rule) and name.rpartition(".")[0] in _EVENTS:
        return _EVENTS[name.rpartition(".")[0]]
    rows = [row for row in EVENT_ROWS if row.event == event]
    return rows[0] if len(rows) == 1 else None


def _of_catalog(rule: dict[str, Any], at: str) -> list[Fault]:
    row, audience = _row(rule), rule.get("audience")
    if row is None:
        return [_unknown_row(rule, at)]
    found = _offered(row, audience, at)
    if rule.get("event") not in (None, row.event):
        found.append(Fault(f"{at}/event", "read_only", f"the event of {row.key} is {row.event}"))
    if not found and rule.get("id") not in (None, rule_id(row.key, str(audience))):
        found.append(Fault(f"{at}/id", "read_only", f"the rule of this row is {rule_id(row.key, str(audience))}"))
    return found


def _bound(rule: dict[str, Any], at: str, ids: set[str]) -> list[Fault]:
    row, name = _row(rule), rule.get("id")
    if row is None:
        return [_unknown_row(rule, at)]
    found = _offered(row, rule.get("audience"), at)
    if not takes_status(row):
        found.append(Fault(f"{at}/when/status", "invalid_value", "binds rules of orders and leads only"))
    if rule.get("event") not in (None, row.event):
        found.append(Fault(f"{at}/event", "read_only", f"the event of {row.key} is {row.event}"))
    if isinstance(name, str):
        if name in ids or name.rpartition(".")[0] in ROWS:
            message = "stands twice" if name in ids else "is the id of a row of the catalog; choose another, or none"
            found.append(Fault(f"{at}/id", "duplicate_key", message))
        ids.add(name)
    return found


def _unknown_row(rule: dict[str, Any], at: str) -> Fault:
    for name in ("key", "event", "id"):
        if isinstance(value := rule.get(name), str) and value:
            several = name == "event" and any(row.event == value for row in EVENT_ROWS)
            if several:
                return Fault(f"{at}/key", "missing_field", f"{value} has several rows; name one by its key")
            return Fault(f"{at}/{name}", "unknown_reference", "the catalog has no such row")
    return Fault(f"{at}/key", "missing_field", "name a row of the catalog")


def _offered(row: Row, audience: Any, at: str) -> list[Fault]:
    if not isinstance(audience, str) or audience in row.offers:
        return []
    return [Fault(f"{at}/audience", "unknown_reference", f"{row.key} is offered to {', '.join(row.offers)}")]


def _channels(rule: dict[str, Any], at: str, connected: Collection[Channel]) -> list[Fault]:
    channels, audience = rule.get("channels"), rule.get("audience")
    found: list[Fault] = []
    for name, entry in channels.items() if isinstance(channels, dict) else ():
        if name not in ALL or not isinstance(entry, dict):
            continue
        here = f"{at}/channels/{name}"
        if not CHANNELS[name].configurable:
            # A channel left out is off, but push can't be: it is only refused where it is named and changed.
            if entry.get("enabled") is False or entry.get("template") is not None:
                message = f"{name} goes beside the other channels; it is switched on the device, its text is a template"
                found.append(Fault(f"{here}/enabled", "channel_not_configurable", message))
        elif isinstance(template := entry.get("template"), str) and audience not in offered(template):
            message = "name a template key of the catalog for this audience, or own.<slug>"
            found.append(Fault(f"{here}/template", "unknown_reference", message))
        found += _read_only(entry, here, configurable=CHANNELS[name].configurable, available=name in connected)
    return found


def _read_only(entry: dict[str, Any], here: str, *, configurable: bool, available: bool) -> Iterator[Fault]:
    now = {"editable": configurable, "available": available, "reason": None if available else NOT_CONNECTED}
    for name, value in now.items():
        if name in entry and entry[name] is not None and entry[name] != value:
            yield Fault(f"{here}/{name}", "read_only", "shows how it is; leave it, or leave it out")


def _status(rule: dict[str, Any]) -> str | None:
    when = rule.get("when")
    status = when.get("status") if isinstance(when, dict) else None
    return status if isinstance(status, str) and status else None
