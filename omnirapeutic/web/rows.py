"""The body of a long table as a string: for the lists that are opened all day, a tenth of a template's loop."""

from collections.abc import Iterable
from html import escape

from django.utils.safestring import SafeString


def table_rows(row: str, cells: Iterable[Iterable[object]]) -> SafeString:
    """Formats `row` once for each group of cells. Everything is escaped but what is markup already."""
    return SafeString(
        "".join(
            row.format(*(cell if isinstance(cell, SafeString) else escape(str(cell)) for cell in group))
            for group in cells
        )
    )
