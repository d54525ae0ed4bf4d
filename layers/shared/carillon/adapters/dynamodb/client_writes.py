"""The writes of a client's change, for a transaction of its own or of a record that brings its client along."""

from collections.abc import Collection, Mapping, Sequence

from carillon.adapters.dynamodb import keys
from carillon.adapters.dynamodb.items import Item
from carillon.adapters.dynamodb.keys import Key
from carillon.adapters.dynamodb.table import Write
from carillon.domain import codec
from carillon.domain.clients import Client
from carillon.domain.names import fold
from carillon.ports.directory import ClientChange

MAX_WORDS = 8
"""Words of a name by which a client is found."""
_LONG = 100


def alias_of(item: Item) -> str | None:
    """Give the id that a client's id leads to since they were merged; most documents need no reading for that."""
    return codec.loads(Client, item["doc"]).alias_of if '"alias_of":"' in item["doc"] else None


def contacts(o: str, client: Client) -> set[Key]:
    """Name the guards of a client's phone and e-mail; a removed one has none."""
    if client.removed:
        return set()
    found = {keys.phone_guard(o, client.phone)} if client.phone else set()
    return found | ({keys.email_guard(o, fold(client.email))} if client.email else set())


def chats(o: str, client: Client) -> set[Key]:
    """Name the chats that a client has linked; a removed one has none."""
    if client.removed:
        return set()
    return {keys.chat(o, channel, chat_id) for channel, chat_id in client.reach.chats.items()}


def guards_of(o: str, client: Client) -> set[Key]:
    """Name the guards a client should hold: those of its contacts, none if it may share them."""
    return set() if client.allow_shared_contact else contacts(o, client)


def given_up(o: str, change: ClientChange) -> set[Key]:
    """Name the guards that a change gives up."""
    return guards_of(o, change.before.document) - guards_of(o, change.after) if change.before else set()


def writes_of(
    o: str, change: ClientChange, released: Mapping[Key, Sequence[Item]], skip: Collection[Key] = ()
) -> tuple[list[Write], dict[int, Key]]:
    """Give a change's writes, the document first, and which of them take a guard.

    `released` holds what stands under each guard that is given up, so that it goes to whom it belongs. Guards are
    taken whenever they are free, also where duplicates are allowed: the rule may come later. `skip` names those that
    belong to somebody else there.
    """
    writes = [document_write(o, change)]
    me, old = change.after.id, change.before.document if change.before else None
    guards: dict[int, Key] = {}
    for guard in sorted(guards_of(o, change.after) - (guards_of(o, old) if old else set()) - set(skip)):
        guards[len(writes)] = guard
        writes.append(_take(guard, me))
    for guard in sorted(given_up(o, change)):
        writes += release(guard, me, released.get(guard, ()))
    writes += lookup_writes(o, old, change.after) + name_writes(o, change)
    if change.entry is not None:
        item = {"ty": "consent", "doc": codec.dumps(change.entry)}
        writes.append(Write(keys.consent_entry(o, me, change.entry_id), item=item))
    return writes, guards


def lookup_writes(o: str, old: Client | None, new: Client) -> list[Write]:
    """Give the rows by which a client is found under its contacts and its linked chats, as they come and go."""
    before, after = contacts(o, old) if old else set(), contacts(o, new)
    same = old is not None and old.allow_shared_contact == new.allow_shared_contact
    wanted = after - before if same else after
    shared = new.allow_shared_contact or None
    was, now = chats(o, old) if old else set(), chats(o, new)
    writes = [Write(keys.contact_lookup(guard, new.id), item={"sh": shared}) for guard in sorted(wanted)]
    writes += [Write(keys.contact_lookup(chat, new.id), item={"ty": "chat"}) for chat in sorted(now - was)]
    gone = sorted((before - after) | (was - now))
    return writes + [Write(keys.contact_lookup(guard, new.id), delete=True) for guard in gone]


def document_write(o: str, change: ClientChange) -> Write:
    """Give the write of a client's document alone: all there is where no name, contact or consent changes."""
    client, version = change.after, change.before.version if change.before else 0
    item: Item = {"ty": "client", "doc": codec.dumps(client), "v": version + 1}
    if not client.removed:
        place = f"{_sorted_name(client)}#{client.id}"
        item |= {"pk1": keys.client_list(o, keys.shard(client.id)), "sk1": place}
    key = keys.client(o, client.id)
    if version == 0:
        return Write(key, item=item, condition="attribute_not_exists(pk)")
    return Write(key, item=item, condition="v = :v", values={"v": version})


def _take(guard: Key, me: str) -> Write:
    return Write(guard, item={"c": me}, condition="attribute_not_exists(pk) OR c = :me", values={"me": me})


def release(guard: Key, me: str, rows: Sequence[Item]) -> list[Write]:
    """Give a guard up; another client that has the contact too, and isn't exempt, inherits it."""
    if not any(row["sk"] == guard[1] and row.get("c") == me for row in rows):
        return []
    others = [row["sk"].removeprefix("C#") for row in rows if row["sk"].startswith("C#") and not row.get("sh")]
    heir = next((other for other in others if other != me), None)
    if heir is None:
        return [Write(guard, delete=True, condition="c = :me", values={"me": me})]
    return [Write(guard, item={"c": heir}, condition="c = :me", values={"me": me})]


def name_writes(o: str, change: ClientChange) -> list[Write]:
    """Give the rows by which a client is found under the words of its name, as they come and go."""
    before = _words(change.before.document) if change.before else set()
    after = _words(change.after)
    me = change.after.id
    writes = [Write(keys.name_word(o, word, me), item={"ty": "name"}) for word in sorted(after - before)]
    return writes + [Write(keys.name_word(o, word, me), delete=True) for word in sorted(before - after)]


def _words(client: Client) -> set[str]:
    if client.removed:
        return set()
    return {word[:_LONG] for word in fold(client.full_name).replace("#", " ").split()[:MAX_WORDS]}


def _sorted_name(client: Client) -> str:
    return fold(f"{client.last_name or ''} {client.first_name or ''}").replace("#", " ").strip()[:_LONG]
