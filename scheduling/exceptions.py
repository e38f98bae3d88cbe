"""What scheduling refuses, in words for the person at the form. No text carries a client's data."""


class BookingRefused(Exception):
    """A booking that does not fit.

    `code` is stable; `field` is the form's field that the reason stands beside; `suggestion` is the nearest thing that
    would fit, or empty.
    """

    def __init__(self, code: str, field: str, message: str, suggestion: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.message = message
        self.suggestion = suggestion


class CancellationRefused(Exception):
    """The appointment has begun or is over: `code` is its status."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class WallTimeRefused(ValueError):
    """A time of day that the clocks skip (`NONEXISTENT`) or show twice (`AMBIGUOUS`) on that date."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
