"""Which database alias does what."""

from typing import Any

# Apps whose tables are never made: see MIGRATION_MODULES.
WITHOUT_TABLES = frozenset({"auth", "admin"})


class TenancyRouter:
    """Everything runs on `default` as the application's role; only `owner` may change the schema.

    Reads go to the reader by name, inside `tenancy.context.replica()`, never by a guess here: a read right after a
    write of the same request must see it.
    """

    def db_for_read(self, model: type, **hints: Any) -> str:
        return "default"

    def db_for_write(self, model: type, **hints: Any) -> str:
        return "default"

    def allow_relation(self, obj1: object, obj2: object, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner" and app_label not in WITHOUT_TABLES
