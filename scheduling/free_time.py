"""The nearest time that is free."""

from collections.abc import Iterable
from datetime import datetime

Stretch = tuple[datetime, datetime]


def nearest_free(taken: Iterable[Stretch], wanted: Stretch, within: Stretch) -> Stretch | None:
    """The free stretch as long as the wanted one that begins nearest to it inside a window; None if there is none."""
    busy = list(taken)
    start, end = wanted
    length = end - start
    begins = [start, *(over for _, over in busy), *(begun - length for begun, _ in busy)]
    fits = [
        begin
        for begin in begins
        if within[0] <= begin
        and begin + length <= within[1]
        and all(begin >= over or begin + length <= begun for begun, over in busy)
    ]
    if not fits:
        return None
    begin = min(fits, key=lambda each: (abs(each - start), each))
    return begin, begin + length
