"""Routes as they are declared: path, roles, and a function whose annotations say what it takes and answers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from carillon.domain.constraints import Id
from carillon.domain.errors import Code
from carillon.domain.values import value
from carillon.runtime.http.call import Answer, Nothing, Raw
from carillon.runtime.http.roles import Roles
from carillon.runtime.http.validation import Draft

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Repeats = Literal["stored", "leased", "own"]
"""`stored`: the service stores its answer with its effect. `leased`: the door does, around it. `own`: the service does
all of it, because its answer may not be stored as it is."""
Endpoint = Callable[..., "Answer[Any] | Raw | Nothing"]
F = TypeVar("F", bound=Endpoint)
_PARAMETER = re.compile(r"<(\w+)>")


@value
class Signature:
    """What an endpoint takes and answers: models, None where it takes none."""

    body: Any
    draft: bool
    query: Any
    answer: Any
    path: dict[str, Any]


@value
class Route:
    """One declared route.

    `roles` None: public. `statuses`: what it answers when all is well. `errors`: codes beyond those every route can
    answer. `versioned`: it answers an ETag and, as PUT, requires If-Match.
    `new_unmatched`: a PUT that makes the document does without. `repeats`: who sees to the answers of a repeated POST.
    `max_body`: bytes. `also_as`: media types other than JSON that it can answer.
    """

    method: Method
    path: str
    endpoint: Endpoint
    roles: Roles | None
    statuses: tuple[int, ...]
    errors: tuple[Code, ...]
    versioned: bool
    repeats: Repeats
    max_body: int
    new_unmatched: bool = False
    also_as: tuple[str, ...] = ()

    @cached_property
    def signature(self) -> Signature:
        """Read the endpoint's annotations; done on the route's first call."""
        hints = get_type_hints(self.endpoint, include_extras=True)
        answer = hints.pop("return")
        body = hints.get("body")
        draft = get_origin(body) is Draft
        names = _PARAMETER.findall(self.path)
        unknown = set(hints) - {"call", "body", "query", *names}
        if unknown or set(names) - set(hints):
            raise TypeError(f"{self.endpoint.__name__}: parameters and path {self.path} differ")
        return Signature(
            body=get_args(body)[0] if draft else body,
            draft=draft,
            query=hints.get("query"),
            answer=get_args(answer)[0] if get_origin(answer) is Answer else answer,
            path={name: hints[name] for name in names},
        )

    @property
    def summary(self) -> str:
        """The first line of the endpoint's docstring."""
        return (inspect.getdoc(self.endpoint) or self.endpoint.__name__).partition("\n")[0].rstrip(".")

    @property
    def description(self) -> str:
        """The rest of the endpoint's docstring."""
        return (inspect.getdoc(self.endpoint) or "").partition("\n")[2].strip()


MAX_BODY = 256 * 1024


class Routes:
    """A collection of routes; each decorator declares one."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def route(
        self,
        method: Method,
        path: str,
        *,
        roles: Roles | None,
        statuses: tuple[int, ...] = (200,),
        errors: tuple[Code, ...] = (),
        versioned: bool = False,
        repeats: Repeats = "stored",
        max_body: int = MAX_BODY,
        new_unmatched: bool = False,
        also_as: tuple[str, ...] = (),
    ) -> Callable[[F], F]:
        """Declare a route; path parameters are written `<name>` and are arguments of the function."""

        def declare(endpoint: F) -> F:
            route = Route(method, path, endpoint, roles, statuses, errors, versioned, repeats, max_body, new_unmatched)
            self.routes.append(replace(route, also_as=also_as))
            return endpoint

        return declare

    def get(
        self,
        path: str,
        *,
        roles: Roles | None,
        errors: tuple[Code, ...] = (),
        versioned: bool = False,
        also_as: tuple[str, ...] = (),
    ) -> Callable[[F], F]:
        """Declare a GET."""
        return self.route("GET", path, roles=roles, errors=errors, versioned=versioned, also_as=also_as)

    def post(
        self,
        path: str,
        *,
        roles: Roles | None,
        statuses: tuple[int, ...] = (200,),
        errors: tuple[Code, ...] = (),
        repeats: Repeats = "stored",
        max_body: int = MAX_BODY,
    ) -> Callable[[F], F]:
        """Declare a POST; it understands `Idempotency-Key`."""
        return self.route(
            "POST", path, roles=roles, statuses=statuses, errors=errors, repeats=repeats, max_body=max_body
        )

    def put(
        self,
        path: str,
        *,
        roles: Roles | None,
        statuses: tuple[int, ...] = (200,),
        errors: tuple[Code, ...] = (),
        versioned: bool = False,
        new_unmatched: bool = False,
    ) -> Callable[[F], F]:
        """Declare a PUT."""
        return self.route(
            "PUT",
            path,
            roles=roles,
            statuses=statuses,
            errors=errors,
            versioned=versioned,
            new_unmatched=new_unmatched,
        )

    def patch(self, path: str, *, roles: Roles | None, errors: tuple[Code, ...] = ()) -> Callable[[F], F]:
        """Declare a PATCH (a top-level field that is given replaces the whole, `null` empties it)."""
        return self.route("PATCH", path, roles=roles, errors=errors)

    def delete(
        self,
        path: str,
        *,
        roles: Roles | None,
        statuses: tuple[int, ...] = (204,),
        errors: tuple[Code, ...] = (),
    ) -> Callable[[F], F]:
        """Declare a DELETE."""
        return self.route("DELETE", path, roles=roles, statuses=statuses, errors=errors)


__all__ = ["MAX_BODY", "Endpoint", "Id", "Method", "Route", "Routes", "Signature"]
