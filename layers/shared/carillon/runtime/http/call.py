"""What a route's function is given, and what it gives back."""

from collections.abc import Mapping
from dataclasses import field
from typing import Generic, TypeVar

from carillon.domain.errors import PreconditionFailed
from carillon.domain.idempotency import Attempt
from carillon.domain.organizations import Caller
from carillon.domain.values import value
from carillon.runtime.http.problems import Rejected

T = TypeVar("T")


@value
class Call:
    """One request, authenticated and allowed.

    `domain` is the API's own, as API Gateway names it and the caller cannot.
    `position` is the decoded cursor of a list. `attempt` is there when a POST came with an `Idempotency-Key`: the
    service stores its answer with the effect.
    """

    request_id: str
    headers: Mapping[str, str]
    source: Caller | None = None
    position: str | None = None
    attempt: Attempt | None = None
    domain: str = ""

    @property
    def caller(self) -> Caller:
        """Who calls; public routes have none."""
        if self.source is None:
            raise Rejected(403, "role_not_allowed", "this call needs an API key")
        return self.source

    @property
    def org_id(self) -> str:
        """The data set the call works on."""
        return self.caller.org_id

    def if_match(self) -> str | None:
        """Give the version that `If-Match` names, None for `*`; raises PreconditionFailed when it is missing."""
        header = self.headers.get("if-match", "").strip()
        if not header:
            raise PreconditionFailed(
                "if_match_required", "send If-Match with the ETag that GET answered, or * for any version"
            )
        return None if header == "*" else header.removeprefix('"').removesuffix('"')


@value
class Answer(Generic[T]):
    """A document to answer with; `etag` is its version, without quotes.

    `text`: the same in another form than JSON, of this `content_type`; a page's cursor goes into the headers then.
    """

    document: T
    status: int = 200
    etag: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    content_type: str = "application/json"


@value
class Raw:
    """An answer that is no document: a page, or JSON as it is."""

    body: str
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@value
class Nothing:
    """An answer without a body (204)."""

    status: int = 204
