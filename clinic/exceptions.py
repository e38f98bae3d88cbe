"""What the clinic's services refuse. Each carries a stable `code` and never a client's data in its text."""

from clinic.models import Patient


class StaleEdit(Exception):
    """The record was changed after the form was opened. `current` is what is saved now."""

    code = "STALE_EDIT"

    def __init__(self, current: Patient) -> None:
        super().__init__(self.code)
        self.current = current
