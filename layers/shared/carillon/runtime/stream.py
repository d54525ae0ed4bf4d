"""What a record of the table's stream says: which record changed, and whom it concerns."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Woken:
    """A record that may need planning; `clients` are those its image names."""

    org_id: str
    ref: str
    clients: tuple[str, ...]


def woken(change: Mapping[str, Any]) -> Woken | None:
    """Read a stream record's new image; None for a removal, for other items, and for what the planner itself wrote."""
    image = change.get("NewImage")
    if not image or image.get("ty", {}).get("S") != "record":
        return None
    followed = "ev" not in image and all(
        image.get(done, {}).get("N", "0") == image[wanted]["N"] for done, wanted in (("pv", "v"), ("ps", "pr"))
    )
    if followed:
        return None
    org_id = image["pk"]["S"].partition("#R#")[0]
    events = [json.loads(event["S"]) for event in image.get("ev", {}).get("L", [])]
    named = [json.loads(image["doc"]["S"])["client_id"], *(event.get("client_id") for event in events)]
    return Woken(org_id, image["rec"]["S"], tuple(dict.fromkeys(name for name in named if name)))
