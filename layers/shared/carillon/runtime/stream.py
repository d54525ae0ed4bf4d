"""What a record of the table's stream says: what changed, and whom it concerns."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from carillon.domain.values import value


@value
class RecordChanged:
    """A record that may need planning; `clients` are those its image names."""

    org_id: str
    ref: str
    clients: tuple[str, ...]


@value
class OrganizationChanged:
    """Settings or the organization itself were saved; `revision` is the document's version."""

    org_id: str
    cause: Literal["settings", "organization"]
    revision: int


@value
class ClientChanged:
    """A client was saved anew."""

    org_id: str
    client_id: str


@value
class QuotaCrossed:
    """A quota became low, or exhausted."""

    org_id: str
    kind: Literal["quota_low", "quota_exhausted"]
    bucket: str
    at: str


@value
class EventPosted:
    """An event that no record shows was posted, for these clients."""

    org_id: str
    posted_id: str
    clients: tuple[str, ...]


Change = RecordChanged | OrganizationChanged | ClientChanged | QuotaCrossed | EventPosted


def woken(change: Mapping[str, Any]) -> Change | None:
    """Read a stream record's new image; None for a removal, and for what calls for nothing.

    What is new calls for nothing but its own planning: nothing was planned with it yet.
    """
    image = change.get("NewImage")
    kind = image.get("ty", {}).get("S") if image else None
    if image and kind == "quota_event":
        return QuotaCrossed(
            image["pk"]["S"].partition("#Q#")[0],
            "quota_low" if image["kind"]["S"] == "quota_low" else "quota_exhausted",
            image["b"]["S"],
            image["at"]["S"],
        )
    if image and kind == "posted":
        return _posted(image)
    if not image or (kind != "record" and image.get("v", {}).get("N", "1") == "1"):
        return None
    pk = image["pk"]["S"]
    match kind:
        case "record":
            return _record(image)
        case "settings":
            return OrganizationChanged(pk.removesuffix("#CFG"), "settings", int(image["v"]["N"]))
        case "organization":
            return OrganizationChanged(pk.removesuffix("#ORG"), "organization", int(image["v"]["N"]))
        case "client":
            org_id, _, client_id = pk.partition("#C#")
            return ClientChanged(org_id, client_id)
    return None


def _posted(image: Mapping[str, Any]) -> EventPosted | None:
    """Read a posted event's image; None for one that is done."""
    if "pk3" not in image:
        return None
    org_id = image["pk"]["S"].partition("#R#")[0]
    return EventPosted(org_id, image["sk3"]["S"], tuple(json.loads(image["doc"]["S"])["client_ids"]))


def _record(image: Mapping[str, Any]) -> RecordChanged | None:
    """Read a record's image; None for what the planner itself wrote."""
    followed = "ev" not in image and all(
        image.get(done, {}).get("N", "0") == image[wanted]["N"] for done, wanted in (("pv", "v"), ("ps", "pr"))
    )
    if followed:
        return None
    org_id = image["pk"]["S"].partition("#R#")[0]
    events = [json.loads(event["S"]) for event in image.get("ev", {}).get("L", [])]
    named = [json.loads(image["doc"]["S"]).get("client_id"), *(event.get("client_id") for event in events)]
    return RecordChanged(org_id, image["rec"]["S"], tuple(dict.fromkeys(name for name in named if name)))
