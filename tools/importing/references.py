"""What a file refers to and doesn't hold: clients, members of staff, and people known by a phone or an e-mail only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.importing.api import Api
from tools.importing.building import Account, Json, Made, contact_id
from tools.importing.checking import whose_contact
from tools.importing.faults import BadLine
from tools.importing.people import normal


def resolve(api: Api, made: Sequence[Made], account: Account) -> list[Made]:
    """Put a client's id wherever an appointment names a person; gives the people who are to be made first.

    What refers to nobody is noted at its line.
    """
    clients: dict[str, bool] = {}
    staff: dict[str, bool] = {}
    people: dict[str, str | None] = {}
    fresh: dict[str, Made] = {}
    for each in made:
        if "client_id" in each.item:
            _exists(api, each, "/v1/clients", "client", [str(each.item["client_id"])], "/client_id", clients)
        else:
            _person(api, each, account, people, fresh)
        _exists(api, each, "/v1/staff", "member of staff", each.item.get("staff_ids", []), "/staff_ids", staff)
    return list(fresh.values())


def others_with(api: Api, made: Sequence[Made], account: Account) -> None:
    """Find clients that have a phone or an e-mail of the file's already, under another id: one or two calls a line."""
    for each in made:
        if each.item.get("allow_shared_contact") or not account.guarded:
            continue
        for name in ("phone", "email"):
            text = each.item.get(name)
            found = _with(api, name, normal(text, account.country) if name == "phone" else text) if text else []
            other = next((client["id"] for client in found if client["id"] != each.item["id"]), None)
            if other is not None:
                told = f"client {other!r} has it already; give that id, or set allow_shared_contact"
                each.bad.append(BadLine(each.line, each.column(f"/{name}"), told))


def _exists(
    api: Api, made: Made, path: str, noun: str, ids: Sequence[str], pointer: str, known: dict[str, bool]
) -> None:
    for named in ids:
        if named not in known:
            known[named] = api.get(f"{path}/{named}") is not None
        if not known[named]:
            made.bad.append(BadLine(made.line, made.column(pointer), f"there is no {noun} with this id"))


def _person(api: Api, made: Made, account: Account, people: dict[str, str | None], fresh: dict[str, Made]) -> None:
    """Find whom an appointment's contact belongs to, or make a client of it if there is a name."""
    contact = whose_contact(made, account)
    if contact not in people:
        found = _known(api, made.contact, account)
        people[contact] = str(found[0]["id"]) if len(found) == 1 else None
        if len(found) > 1:
            people[contact] = ""
        elif not found and "first_name" in made.contact:
            item: Json = {"id": contact_id(made.contact, account.country), **made.contact}
            fresh[contact] = Made(made.line, item, {f"/{name}": made.column(f"/client/{name}") for name in item})
            people[contact] = str(item["id"])
    whose = people[contact]
    if whose:
        made.item["client_id"] = whose
        return
    told = "several clients have this contact; give client_id" if whose == "" else "no client has this contact, and "
    told += "" if whose == "" else "there is no name to make one of: give client_first_name or client_name"
    made.bad.append(BadLine(made.line, made.column("/client_id"), told))


def _known(api: Api, contact: Json, account: Account) -> list[dict[str, Any]]:
    phone = normal(contact.get("phone"), account.country)
    found = _with(api, "phone", phone) if phone else []
    return found or (_with(api, "email", str(contact["email"])) if contact.get("email") else [])


def _with(api: Api, name: str, text: str) -> list[dict[str, Any]]:
    answer = api.get("/v1/clients", {name: text, "limit": "2"})
    found: list[dict[str, Any]] = answer["items"] if answer is not None else []
    return found
