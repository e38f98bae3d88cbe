"""Model fields for the column types of `sql/`."""

from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.db import models

if TYPE_CHECKING:
    # For the type checker Django's fields are generic, at run time they are not.
    SetType = TypeVar("SetType", contravariant=True)
    GetType = TypeVar("GetType", covariant=True)

    class LineField(models.TextField[SetType, GetType]):
        pass

    class LedgerField(models.IntegerField[SetType, GetType]):
        pass

else:

    class LineField(models.TextField):
        """A `text` column that holds one line: PostgreSQL has no use for varchar, a form has for the difference."""

        def formfield(self, **kwargs: Any) -> forms.Field | None:
            return super().formfield(**{"widget": forms.TextInput, **kwargs})

    class LedgerField(models.IntegerField):
        """A counter that only the database's functions write.

        Django reads it and leaves it out of INSERT and UPDATE, for which the application's role has no right: in these
        respects it is a generated field, whose value no expression of Django's makes.
        """

        generated = True
        expression = models.Value(0)


class RandomUUID(models.Func):
    """`gen_random_uuid()`, the default of every primary key."""

    function = "gen_random_uuid"
    output_field = models.UUIDField()
