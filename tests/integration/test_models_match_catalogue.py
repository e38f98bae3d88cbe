"""Models are declared by hand, tables by sql/: here the two are compared, column by column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import models

from tests.support.catalogue import NOT_TENANT

OUR_APPS = ("clinic", "scheduling", "therapy_sessions", "billing", "audit")
TYPES: dict[type[models.Field[Any, Any]], str] = {
    models.UUIDField: "uuid",
    models.TextField: "text",
    models.BooleanField: "boolean",
    models.IntegerField: "integer",
    models.SmallIntegerField: "smallint",
    models.BigIntegerField: "bigint",
    models.DateField: "date",
    models.DateTimeField: "timestamp with time zone",
    models.JSONField: "jsonb",
    models.BinaryField: "bytea",
    models.GenericIPAddressField: "inet",
}
# Columns that no model declares.
UNDECLARED = {
    ("appointments", "patient_lanes"): "filled by its trigger, compared by the exclusion constraint, read by nobody",
    ("service_codes", "patient_lanes"): "read by that trigger only",
}
# Fields whose type in Python is narrower than the column's.
NARROWER = {("session_events", "raw_value"): ("numeric", "the original's numeric has no limit; a form needs one")}
# The original lets them be NULL; their default and Django's auto_now never do.
STAMPS = {"created_at", "updated_at"}
# Tables without a model.
WITHOUT_MODEL = {"django_migrations", *(name for name in NOT_TENANT if name.startswith("procrastinate_"))}


@dataclass(frozen=True)
class Column:
    type: str
    not_null: bool
    has_default: bool
    generated: bool


@pytest.fixture(scope="module")
def columns(superuser_url: str) -> dict[tuple[str, str], Column]:
    with psycopg.connect(superuser_url) as connection:
        return {
            (table, name): Column(*rest)
            for table, name, *rest in connection.execute(
                """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef,
                          a.attgenerated <> ''
                   FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"""
            )
        }


def our_models() -> list[type[models.Model]]:
    return [model for label in OUR_APPS for model in apps.get_app_config(label).get_models()]


def fields() -> list[tuple[str, models.Field[Any, Any]]]:
    return [(model._meta.db_table, field) for model in our_models() for field in model._meta.concrete_fields]


def expected_type(field: models.Field[Any, Any]) -> str:
    if isinstance(field, models.ForeignKey):
        return expected_type(field.target_field)
    if isinstance(field, models.GeneratedField):
        return expected_type(field.output_field)
    if isinstance(field, models.DecimalField):
        return f"numeric({field.max_digits},{field.decimal_places})"
    if hasattr(field, "base_field"):
        return f"{expected_type(field.base_field)}[]"
    return next(TYPES[kind] for kind in type(field).__mro__ if kind in TYPES)


@pytest.mark.parametrize(("table", "field"), fields(), ids=lambda part: part if isinstance(part, str) else part.name)
def test_a_field_is_its_column(
    table: str, field: models.Field[Any, Any], columns: dict[tuple[str, str], Column]
) -> None:
    column = columns.get((table, field.column))
    assert column, f"{table} has no column {field.column}"
    wanted = NARROWER[table, field.column][0] if (table, field.column) in NARROWER else expected_type(field)
    assert column.type == wanted
    if field.column not in STAMPS:
        assert column.not_null is not field.null, "NOT NULL in one, NULL in the other"
    assert column.generated is isinstance(field, models.GeneratedField)
    if field.has_db_default():
        assert column.has_default, "the model counts on a default that the table does not have"


def test_every_column_is_declared_or_listed(columns: dict[tuple[str, str], Column]) -> None:
    tables = {model._meta.db_table for model in our_models()}
    declared = {(table, field.column) for table, field in fields()}
    undeclared = {key for key in columns if key[0] in tables} - declared
    assert undeclared == UNDECLARED.keys()


def test_every_table_has_a_model_or_is_listed(columns: dict[tuple[str, str], Column]) -> None:
    tables = {table for table, _ in columns}
    modelled = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert tables - modelled == WITHOUT_MODEL - modelled


def test_choices_are_the_ones_the_table_allows(superuser_url: str) -> None:
    """Every choice a form offers can be stored, and every stored value has a label."""
    with psycopg.connect(superuser_url) as connection:
        checks = connection.execute(
            """SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
               WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND cardinality(conkey) = 1"""
        ).fetchall()
        allowed = {}
        for table, definition in checks:
            if match := re.fullmatch(r"CHECK \(\((\w+) = ANY \(ARRAY\[(.*)\]\)\)\)", definition):
                allowed[table, match[1]] = set(re.findall(r"'([^']*)'::text", match[2]))
    compared = 0
    for table, field in fields():
        if field.choices and (table, field.column) in allowed:
            assert {value for value, _ in field.flatchoices} == allowed[table, field.column], f"{table}.{field.column}"
            compared += 1
    assert compared >= 12
