"""Does the ledger of units add up? Counters, appointments and sessions against it, for the organisation in context.

Nothing is repaired: a difference is a fault in a program or a change made by hand, and somebody must know why it came
about. Each question is one statement over whole tables, so that it sees one moment and takes seconds for a million
events.

Two things are no deviation but are listed, because the ledger alone does not explain them:

- UNATTACHED movements belong to no appointment and no session: balances taken over or corrected by hand.
- BEFORE_LEDGER rows were brought in by the tables' owner (imports, restores) and have no movement at all.
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from omnirapeutic.tenancy import context

SIZES = """
SELECT (SELECT count(*) FROM authorizations), (SELECT count(*) FROM appointments),
       (SELECT count(*) FROM sessions), (SELECT count(*) FROM authorization_unit_ledger)
"""

# A row of `facts` holds what the counters say beside what the ledger says, in units.
AUTHORIZATIONS = """
WITH ledger AS (
    SELECT authorization_id, sum(reserved_change) AS reserved, sum(delivered_change) AS delivered
    FROM authorization_unit_ledger GROUP BY authorization_id
), compared AS (
    SELECT z.id, z.total_units, z.used_units, z.delivered_units, l.authorization_id IS NULL AS is_empty,
           coalesce(l.reserved, 0) AS reserved, coalesce(l.delivered, 0) AS delivered
    FROM authorizations z LEFT JOIN ledger l ON l.authorization_id = z.id
)
SELECT f.code, c.id, f.facts
FROM compared c CROSS JOIN LATERAL (VALUES
    ('BEFORE_LEDGER', c.is_empty AND (c.used_units <> 0 OR c.delivered_units <> 0),
        jsonb_build_object('used_units', c.used_units, 'delivered_units', c.delivered_units)),
    ('USED_UNITS', NOT c.is_empty AND c.used_units <> c.reserved + c.delivered,
        jsonb_build_object('used_units', c.used_units, 'ledger', c.reserved + c.delivered)),
    ('DELIVERED_UNITS', NOT c.is_empty AND c.delivered_units <> c.delivered,
        jsonb_build_object('delivered_units', c.delivered_units, 'ledger', c.delivered)),
    ('NEGATIVE_SUM', c.reserved < 0 OR c.delivered < 0,
        jsonb_build_object('reserved', c.reserved, 'delivered', c.delivered)),
    ('OVERDRAWN', greatest(c.used_units, c.reserved + c.delivered) > c.total_units,
        jsonb_build_object('total_units', c.total_units, 'used_units', c.used_units,
                           'ledger', c.reserved + c.delivered))
) AS f (code, applies, facts)
WHERE f.applies
ORDER BY f.code, c.id
"""

# What an appointment must hold: its expected units while it is booked or running, nothing afterwards; and nothing on
# an authorization that it does not name.
APPOINTMENTS = """
WITH ledger AS (
    SELECT l.appointment_id, sum(l.reserved_change) AS reserved,
           coalesce(sum(l.reserved_change) FILTER (WHERE l.authorization_id = a.authorization_id), 0) AS on_its_own,
           bool_or(l.authorization_id IS DISTINCT FROM a.authorization_id) AS is_elsewhere
    FROM authorization_unit_ledger l JOIN appointments a ON a.id = l.appointment_id
    GROUP BY l.appointment_id
), elsewhere AS (
    SELECT DISTINCT s.appointment_id
    FROM (SELECT l.appointment_id, l.authorization_id, sum(l.reserved_change) AS reserved
          FROM authorization_unit_ledger l JOIN ledger g ON g.appointment_id = l.appointment_id AND g.is_elsewhere
          GROUP BY l.appointment_id, l.authorization_id) s
    JOIN appointments a ON a.id = s.appointment_id
    WHERE s.reserved <> 0 AND s.authorization_id IS DISTINCT FROM a.authorization_id
), compared AS (
    SELECT a.id, a.status, l.appointment_id IS NULL AS is_empty, e.appointment_id IS NOT NULL AS is_elsewhere,
           a.authorization_id, a.expected_units, coalesce(l.on_its_own, 0) AS reserved,
           CASE WHEN a.status IN ('SCHEDULED', 'IN_PROGRESS') AND a.authorization_id IS NOT NULL
                THEN a.expected_units ELSE 0 END AS expected
    FROM appointments a
    LEFT JOIN ledger l ON l.appointment_id = a.id
    LEFT JOIN elsewhere e ON e.appointment_id = a.id
)
SELECT f.code, c.id, jsonb_build_object('status', c.status, 'expected', c.expected, 'reserved', c.reserved)
FROM compared c CROSS JOIN LATERAL (VALUES
    ('BEFORE_LEDGER', c.is_empty AND c.expected IS NULL),
    ('APPOINTMENT_UNITS', c.expected IS DISTINCT FROM c.reserved AND NOT (c.is_empty AND c.expected IS NULL)),
    ('APPOINTMENT_ELSEWHERE', c.is_elsewhere)
) AS f (code, applies)
WHERE f.applies
ORDER BY f.code, c.id
"""

# What a session must have delivered: its billed units when it has ended, else nothing. One without movements whose
# appointment has none either was brought in.
SESSIONS = """
WITH ledger AS (
    SELECT l.session_id, sum(l.delivered_change) AS delivered,
           coalesce(sum(l.delivered_change) FILTER (WHERE l.authorization_id = s.authorization_id), 0) AS on_its_own
    FROM authorization_unit_ledger l JOIN sessions s ON s.id = l.session_id
    GROUP BY l.session_id
), booked AS (
    SELECT DISTINCT appointment_id FROM authorization_unit_ledger WHERE appointment_id IS NOT NULL
), compared AS (
    SELECT s.id, s.status, l.session_id IS NULL AND b.appointment_id IS NULL AS is_empty,
           coalesce(l.delivered, 0) AS delivered, coalesce(l.on_its_own, 0) AS on_its_own,
           CASE WHEN s.status IN ('COMPLETED', 'REQUIRES_REVIEW') AND s.authorization_id IS NOT NULL
                THEN coalesce(s.billed_units, 0) ELSE 0 END AS billed
    FROM sessions s
    LEFT JOIN ledger l ON l.session_id = s.id
    LEFT JOIN booked b ON b.appointment_id = s.appointment_id
)
SELECT f.code, c.id, jsonb_build_object('status', c.status, 'billed_units', c.billed, 'delivered', c.delivered)
FROM compared c CROSS JOIN LATERAL (VALUES
    ('BEFORE_LEDGER', c.is_empty AND c.billed <> 0),
    ('SESSION_UNITS', NOT c.is_empty AND c.billed <> c.on_its_own),
    ('SESSION_ELSEWHERE', c.delivered <> c.on_its_own)
) AS f (code, applies)
WHERE f.applies
ORDER BY f.code, c.id
"""

UNATTACHED = """
SELECT 'UNATTACHED', authorization_id,
       jsonb_build_object('movements', count(*), 'reserved', sum(reserved_change), 'delivered', sum(delivered_change))
FROM authorization_unit_ledger WHERE appointment_id IS NULL AND session_id IS NULL
GROUP BY authorization_id ORDER BY authorization_id
"""

LISTED = frozenset({"UNATTACHED", "BEFORE_LEDGER"})
QUESTIONS = (
    ("authorization", AUTHORIZATIONS),
    ("appointment", APPOINTMENTS),
    ("session", SESSIONS),
    ("authorization", UNATTACHED),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: which, on what, and the numbers. `code` is one of

    USED_UNITS, DELIVERED_UNITS (a counter is not the ledger's sum), NEGATIVE_SUM, OVERDRAWN (more than the payer
    approved); APPOINTMENT_UNITS (holds other units than it should), APPOINTMENT_ELSEWHERE (holds units of an
    authorization it does not name); SESSION_UNITS, SESSION_ELSEWHERE likewise for what was delivered; or one of LISTED.
    """

    code: str
    resource_type: str
    resource_id: UUID
    facts: dict[str, Any]

    @property
    def is_deviation(self) -> bool:
        return self.code not in LISTED


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What was compared in one organisation, and what was found."""

    organization_id: UUID
    authorizations: int
    appointments: int
    sessions: int
    movements: int
    findings: tuple[Finding, ...]

    @property
    def deviations(self) -> list[Finding]:
        return [each for each in self.findings if each.is_deviation]

    @property
    def listed(self) -> list[Finding]:
        return [each for each in self.findings if not each.is_deviation]


def check_ledger() -> LedgerReport:
    """Compares everything in the organisation in context. Five statements, whatever its size."""
    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        sizes: tuple[int, int, int, int] = cursor.fetchone()
        findings = []
        for resource_type, question in QUESTIONS:
            cursor.execute(question)
            found = cursor.fetchall()
            findings += [Finding(code, resource_type, row_id, json.loads(facts)) for code, row_id, facts in found]
    return LedgerReport(context.required().organization_id, *sizes, tuple(findings))
