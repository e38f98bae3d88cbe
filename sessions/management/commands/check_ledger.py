"""`manage.py check_ledger`: proves that counters, ledger, appointments and sessions agree in all active organisations.

One line per organisation and one per deviation, then what is no deviation but listed (sessions.ledger_check): ids and
numbers only. Exit code 1 when anything deviates. Repairs nothing.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from omnirapeutic.db import functions
from omnirapeutic.tenancy.context import tenant
from sessions.ledger_check import Finding, LedgerReport, check_ledger


class Command(BaseCommand):
    help = "Proves that the units of every organisation add up. Exit code 1 when they do not; repairs nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")

    def handle(self, *args: Any, **options: Any) -> None:
        reports = []
        for organization_id in functions.worker_organizations():
            with tenant(organization_id):
                reports.append(check_ledger())
            if not options["json"]:
                self._print(reports[-1])
        deviations = sum(len(report.deviations) for report in reports)
        if options["json"]:
            document = {"deviations": deviations, "organizations": [_as_json(report) for report in reports]}
            self.stdout.write(json.dumps(document, default=str))
        else:
            self._print_listed(reports)
        if deviations:
            sys.exit(1)

    def _print(self, report: LedgerReport) -> None:
        self.stdout.write(
            f"{report.organization_id}: {report.authorizations} authorizations, {report.appointments} appointments, "
            f"{report.sessions} sessions, {report.movements} movements: "
            f"{len(report.deviations)} deviations, {len(report.listed)} listed"
        )
        for finding in report.deviations:
            self.stdout.write(f"  {_line(finding)}")

    def _print_listed(self, reports: list[LedgerReport]) -> None:
        listed = [(report.organization_id, finding) for report in reports for finding in report.listed]
        if listed:
            self.stdout.write("Listed, no deviation:")
        for organization_id, finding in listed:
            self.stdout.write(f"  {organization_id}: {_line(finding)}")


def _line(finding: Finding) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in finding.facts.items())
    return f"{finding.code} {finding.resource_type} {finding.resource_id}: {facts}"


def _as_json(report: LedgerReport) -> dict[str, Any]:
    """The report with its findings told apart."""
    content = asdict(report)
    del content["findings"]
    return content | {
        "deviations": [asdict(finding) for finding in report.deviations],
        "listed": [asdict(finding) for finding in report.listed],
    }
