"""The same query as a developer without row-level security writes it: `organization_id = …` for every tenant table.

For the application's own SQL, which is regular: an inner or outer join's condition goes into its ON, that of a FROM
into the WHERE of the same SELECT. Whoever uses this compares the rows of both forms, so a wrong rewriting is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

TABLE = re.compile(
    r"\b(?P<kind>FROM|JOIN)\s+"
    r'(?P<table>"\w+"|\w+)'
    r'(?:\s+(?:AS\s+)?(?P<alias>"\w+"|(?!ON\b|WHERE\b|INNER\b|LEFT\b|RIGHT\b|CROSS\b|JOIN\b|GROUP\b|HAVING\b|ORDER\b'
    r"|LIMIT\b|OFFSET\b|FOR\b|UNION\b|EXCEPT\b|INTERSECT\b)\w+))?",
    re.IGNORECASE,
)
ON = re.compile(r"\s+ON\s+(?P<bracket>\()?", re.IGNORECASE)
# What may follow a SELECT's FROM at the same depth of brackets.
CLAUSE = re.compile(
    r"\b(WHERE|GROUP BY|HAVING|ORDER BY|LIMIT|OFFSET|FOR (?:NO KEY )?UPDATE|FOR SHARE|UNION|EXCEPT|INTERSECT)\b",
    re.IGNORECASE,
)
LITERAL = re.compile(r"'(?:[^']|'')*'")


class CannotRewrite(Exception):
    """A form of SQL that this module does not know."""


def with_explicit_where(query: str, organization_id: str, columns: Mapping[str, str]) -> str:
    """`query` with the condition on every tenant table; `columns` names each one's column of the organisation.

    Raises CannotRewrite.
    """
    masked = LITERAL.sub(lambda found: "'" + "_" * (len(found[0]) - 2) + "'", query)
    insertions: list[tuple[int, str]] = []
    for found in TABLE.finditer(masked):
        table = found["table"].strip('"')
        if table not in columns:
            continue
        condition = f"{found['alias'] or found['table']}.{columns[table]} = '{organization_id}'"
        place = _join(masked, found.end(), condition) if found["kind"].upper() == "JOIN" else None
        insertions.append(place or _where(masked, found.end(), condition))
    # Several for one place stand there in their order; none shifts the place of an earlier one.
    for position, text in sorted(insertions, key=lambda insertion: insertion[0], reverse=True):
        query = query[:position] + text + query[position:]
    return query


def _join(masked: str, end: int, condition: str) -> tuple[int, str]:
    found = ON.match(masked, end)
    if found is None:
        raise CannotRewrite("a join without ON")
    return found.end(), f"{condition} AND "


def _where(masked: str, end: int, condition: str) -> tuple[int, str]:
    """Where the FROM's condition goes: behind the WHERE at the same depth, else before what ends the FROM."""
    position, stop = end, len(masked)
    depth = 0
    while position < stop:
        letter = masked[position]
        if letter == "(":
            depth += 1
        elif letter == ")":
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and (found := CLAUSE.match(masked, position)):
            if found[0].upper() == "WHERE":
                return found.end(), f" {condition} AND"
            break
        position += 1
    return position, f" WHERE {condition} "
