"""Pages of lists."""

from typing import Annotated, Generic, TypeVar

from carillon.domain.constraints import Text, Whole, document
from carillon.domain.values import value

T = TypeVar("T")


@value
class Page(Generic[T]):
    """Some items of a list; `position` is where the next page begins, None at the end."""

    items: list[T]
    position: str | None = None


@document
class ListQuery:
    """What every list takes: how many, and where to go on."""

    limit: Annotated[int, Whole(1, 100)] = 50
    cursor: Annotated[str, Text(max=2000, min=1)] | None = None
