"""What billing refuses, with stable codes. No text carries a client's data."""

from collections.abc import Sequence

from billing.problems import Problem


class ClaimRefused(Exception):
    """No claim was made, and nothing of one was stored.

    `code` is NOT_READY (something is missing around the session) or CLAIM_FAULTY (the finished claim breaks a rule);
    `problems` say what, and who can put it right.
    """

    def __init__(self, code: str, problems: Sequence[Problem]) -> None:
        super().__init__(code)
        self.code = code
        self.problems = list(problems)
