"""Merging: one person under two ids becomes one client, and the other id leads to it from then on.

One transaction makes the kept client and the alias: profile, consents with their ledger entry, guards and lookups.
Everything that reads a client follows the alias from that moment, so nothing depends on what comes after: records move
one by one, here as far as time allows and then by the job that the stream starts for the alias. History stays where
it lies, under the id it was made for, because receipts name messages by their place; listings of the kept client read
those places too.
"""

from carillon.domain.constraints import Id, document
from carillon.domain.errors import Conflict, Contended, Fault, Invalid, NotFound
from carillon.domain.idempotency import Attempt
from carillon.domain.merging import MAX_MERGED, alias, entry_of, merged
from carillon.domain.organizations import Caller
from carillon.ports.directory import ClientChange, Merge, MergeStore, MergeView
from carillon.ports.system import Clock, Ids
from carillon.services.client_documents import ClientDocument, shown
from carillon.services.moving import RecordMover

ROUNDS = 4
AT_ONCE = 100
"""How many records the call itself moves, so that it answers in a second or two."""


@document
class MergeInput:
    """`keep` goes on, and `remove` becomes another name for it."""

    keep: Id
    remove: Id


class Merging:
    """Merges clients."""

    def __init__(self, store: MergeStore, mover: RecordMover, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._mover = mover
        self._clock = clock
        self._ids = ids

    def merge(self, caller: Caller, stated: MergeInput, attempt: Attempt | None) -> ClientDocument:
        """Merge, or go on where an earlier call stopped; raises Invalid for clients that can't be merged."""
        for _ in range(ROUNDS):
            view = self._store.read(caller.org_id, stated.keep, stated.remove)
            keep, done = _checked(view, stated)
            if done:
                break
            now = self._clock.now()
            merge = self._merge(caller, view, stated.remove)
            document = shown(merge.keep.after)
            if self._store.save(caller.org_id, merge, now, attempt.answered(200, document) if attempt else None):
                keep = merge.keep.after
                break
        else:
            raise Contended("one of the clients is being changed by others")
        self._mover.move(caller.org_id, stated.remove, stated.keep, limit=AT_ONCE)
        return shown(keep)

    def _merge(self, caller: Caller, view: MergeView, gone_id: str) -> Merge:
        if view.keep is None or view.gone is None:
            raise ValueError("the view is checked first")
        before, gone, now = view.keep.document, view.gone.document, self._clock.now()
        after = merged(before, gone)
        if len(after.merged) > MAX_MERGED:
            raise Conflict("too_many", f"at most {MAX_MERGED} ids may lead to one client")
        entry = entry_of(before, after, gone_id, caller.actor, now)
        return Merge(
            keep=ClientChange(view.keep, after, guarded=False, entry=entry, entry_id=self._ids.ulid(now)),
            gone=ClientChange(view.gone, alias(gone.id, before.id), guarded=False),
            aliases=[ClientChange(each, alias(each.document.id, before.id), guarded=False) for each in view.aliases],
        )


def _checked(view: MergeView, stated: MergeInput):  # type: ignore[no-untyped-def]
    """Give the kept client, and whether they are merged already; raises Invalid, NotFound."""
    if not view.found:
        raise NotFound("there is no such organization")
    if stated.keep == stated.remove:
        raise Invalid([Fault("/remove", "invalid_value", "must be another client than the kept one")])
    faults = []
    keep = view.keep.document if view.keep else None
    gone = view.gone.document if view.gone else None
    if keep is None or keep.removed:
        faults.append(_unknown("/keep", stated.keep, keep.alias_of if keep else None))
    done = gone is not None and gone.alias_of == stated.keep
    if gone is None or (gone.removed and not done):
        faults.append(_unknown("/remove", stated.remove, gone.alias_of if gone else None))
    if faults:
        raise Invalid(faults)
    return keep, done


def _unknown(pointer: str, client_id: str, leads_to: str | None) -> Fault:
    if leads_to is not None:
        return Fault(pointer, "unknown_reference", f"{client_id!r} was merged into {leads_to!r}; name that one")
    return Fault(pointer, "unknown_reference", f"there is no client {client_id!r}")
