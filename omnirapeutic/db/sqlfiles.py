"""Runs the files of `sql/` as migrations: the very files that `sql/deploy.sh` runs with psql."""

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

SQL_DIR = Path(settings.BASE_DIR) / "sql"
# sql/deploy.sh takes the same one: two deployments at once follow each other.
DEPLOYMENT_LOCK = 7108110011
MARKER = re.compile(r"deployed through (\d+)")


def deployed_through(schema_editor: BaseDatabaseSchemaEditor) -> int:
    """The number of the last file this database has had, from the marker each file leaves; 0 for none."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regnamespace('app'), 'pg_namespace')")
        found = MARKER.search(cursor.fetchone()[0] or "")
    return int(found.group(1)) if found else 0


class RunSqlFile(Operation):
    """One file of `sql/`. Skipped where a database administrator has deployed it already; cannot be reversed."""

    reversible = False
    reduces_to_sql = False

    def __init__(self, name: str) -> None:
        self.name = name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models' state is declared by the operations beside this one."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [DEPLOYMENT_LOCK])
        if int(self.name[:3]) <= deployed_through(schema_editor):
            return
        # The driver's own cursor, without parameters: a percent sign is a percent sign, and several statements may
        # stand in one file.
        connection = schema_editor.connection.connection
        with connection.cursor() as cursor:
            cursor.execute((SQL_DIR / self.name).read_text(encoding="utf-8"))

    def describe(self) -> str:
        return f"Run sql/{self.name}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.name], {}
