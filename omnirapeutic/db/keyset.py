"""Pages of a long list, each found by where the last one ended: no OFFSET and no count, page 400 as quick as page 1."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet, Subquery

M = TypeVar("M", bound=Model)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: behind one row, or before one. An id says nothing about a person, a name would."""

    after: UUID | None = None
    before: UUID | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """From an address's `after` or `before`; the first page for anything else."""
        return cls(after=_uuid(query.get("after")), before=_uuid(query.get("before")))


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: list[Row]
    previous_cursor: UUID | None = None
    next_cursor: UUID | None = None


# The rows beyond a cursor, nearest first, at most so many: by one statement.
Find = Callable[[Cursor, int], list[Row]]


def keyset_page(
    rows: QuerySet[M, Row],
    *,
    key: str,
    cursor: Cursor,
    size: int,
    identify: Callable[[Row], UUID],
    newest_first: bool = False,
) -> Page[Row]:
    """One page in the order of `(key, id)`, by one statement; an index must lead with the filters and end with these.

    `newest_first` turns the order round: the largest key begins.
    """

    def find(cursor: Cursor, limit: int) -> list[Row]:
        descending = newest_first is not (cursor.before is not None)
        order = [f"-{key}", "-pk"] if descending else [key, "pk"]
        return list(_beyond(rows, key, cursor, descending).order_by(*order)[:limit])

    return page_of(find, cursor=cursor, size=size, identify=identify)


def page_of(find: Find[Row], *, cursor: Cursor, size: int, identify: Callable[[Row], UUID]) -> Page[Row]:
    """The page at a cursor. One that leads nowhere (another organisation's row, or none) gives the first page."""
    found = find(cursor, size + 1)
    if not found and cursor != Cursor():
        return page_of(find, cursor=Cursor(), size=size, identify=identify)
    more = len(found) > size
    del found[size:]
    if cursor.before:
        found.reverse()
    return Page(
        found,
        identify(found[0]) if found and (more if cursor.before else cursor.after) else None,
        identify(found[-1]) if found and (more or cursor.before) else None,
    )


def _beyond(rows: QuerySet[M, Row], key: str, cursor: Cursor, descending: bool) -> QuerySet[M, Row]:
    at = cursor.before or cursor.after
    if at is None:
        return rows
    # `key >= mark` is what the index scan begins with; the rest only drops the few rows of the same key.
    mark = Subquery(rows.model._default_manager.filter(pk=at).values(key))
    inclusive, strict = ("lte", "lt") if descending else ("gte", "gt")
    same_key: dict[str, Any] = {f"pk__{strict}": at}
    return rows.filter(Q(**{f"{key}__{strict}": mark}) | Q(**same_key), **{f"{key}__{inclusive}": mark})


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
