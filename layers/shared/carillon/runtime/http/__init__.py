"""HTTP plumbing of the doors: routes, roles, validation, problem details, repeated calls, cursors.

A door's app.py declares its routes. The annotations of a route's function say what it takes and answers:

    from carillon.bootstrap.contacts_api import services
    from carillon.runtime.http import INSIDE, Answer, Call, Door, Draft, Id, Nothing, Page

    door = Door(answers=lambda: services().answers)     # `answers` only where there are POSTs

    @door.get("/v1/clients", roles=INSIDE)
    def list_clients(call: Call, query: ClientQuery) -> Answer[Page[ClientView]]:
        "First line: the summary in the OpenAPI; the rest of the docstring: its description."
        return Answer(services().clients.search(call.org_id, query, call.position))

    @door.put("/v1/clients/<client_id>", roles=INSIDE, statuses=(200, 201), errors=("duplicate_client",))
    def put_client(call: Call, client_id: Id, body: ClientInput) -> Answer[ClientView]: ...

    lambda_handler = door.handler

- `call.caller`, `call.org_id`: from the authorizer alone. `call.caller.user` is `On-Behalf-Of`.
- `body: Model` is a validated `@document` of the domain; `body: Draft[Model]` is the raw object, for where what is left
  out counts: `body.value(also)` reads it as it stands, `body.over(base, also)` over a stored document's fields;
  `also(data) -> [Fault]` adds faults that the type doesn't show, so that the caller sees all of them at once.
  A route without `body` takes none.
- `query: Model` is a document of the query parameters (unknown ones are refused). One that extends
  `carillon.domain.listing.ListQuery` pages: the cursor arrives decoded in `call.position`, and an answered
  `Page(items, position)` becomes `{items, next_cursor}`.
- Path parameters are URL-decoded and validated; their annotation is `Id` or another constrained type.
- Raise the errors of `carillon.domain.errors`; everything else is a 500 without details, logged once.
- `Answer(document, status=201, etag="7")`; `Nothing()` is 204; `Raw(text, content_type)` is no document.
  A route with `also_as=("text/csv",)` may answer `Answer(page, text=…, content_type=…)`; the cursor is in the headers.
- `versioned=True` on a route that answers an ETag; in its PUT call `call.if_match()` (None: `*`, any version).
- Any POST understands `Idempotency-Key`: `call.attempt` (None without the header) goes to the service, which stores
  `attempt.answered(status, document)` in the transaction of its effect and lets `RepeatedError` of a lost race
  through. Where the effect is several writes, declare `repeats="leased"` and leave `call.attempt` alone.
- Many items in one call, each with a result: `batches.run(body, one)` with `body: Draft[...]`, `repeats="leased"`.
- Larger functions split their routes: `routes = Routes()` in a module, `door.include(module.routes)` in app.py.

`tools/openapi.py` writes the OpenAPI document from the same declarations; run it after any change of a route.
"""

from carillon.domain.constraints import Id
from carillon.domain.listing import ListQuery, Page
from carillon.runtime.http import docs
from carillon.runtime.http.call import Answer, Call, Nothing, Raw
from carillon.runtime.http.door import Door
from carillon.runtime.http.problems import Rejected
from carillon.runtime.http.roles import (
    ADMINS,
    INSIDE,
    MANAGERS,
    OPERATOR,
    READERS,
    STAFF_KEEPERS,
    Roles,
)
from carillon.runtime.http.routes import Route, Routes
from carillon.runtime.http.validation import Draft

__all__ = [
    "ADMINS",
    "INSIDE",
    "MANAGERS",
    "OPERATOR",
    "READERS",
    "STAFF_KEEPERS",
    "Answer",
    "Call",
    "Door",
    "Draft",
    "Id",
    "ListQuery",
    "Nothing",
    "Page",
    "Raw",
    "Rejected",
    "Roles",
    "Route",
    "Routes",
    "docs",
]
