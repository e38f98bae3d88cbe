"""How many clients each clinic has: one large, a few middling, a long tail."""

CLIENTS = 40  # in all clinics together, at scale 1
FEWEST = 3
LARGEST_SHARE = 0.3
TAIL = 0.9  # exponent of the sizes after the first: the k-th is 1 / k^0.9 of the second


def client_counts(organizations: int, scale: float) -> list[int]:
    """Clients per clinic, largest first. From eleven clinics on, the first has 30 % of all."""
    total = CLIENTS * scale
    first = max(LARGEST_SHARE, organizations**-0.5)
    weights = [(rank + 1) ** -TAIL for rank in range(organizations - 1)]
    rest = [max(FEWEST, round(total * (1 - first) * weight / sum(weights))) for weight in weights]
    # Of what there is in the end: the smallest clinics have more than their share.
    largest = first / (1 - first) * sum(rest) if rest else total
    return [max(FEWEST, round(largest)), *rest]
