"""A column that the planner of SQLite finds rows by no index of."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func
from django.db.models.sql.compiler import SQLCompiler


class Unindexed(Func):
    """The value of a field, as it is. For conditions that most rows meet, in lists of which the newest are shown.

    SQLite would collect all rows that an index of the column finds, and sort them. So it reads the rows in their order,
    and stops when the page is full: https://www.sqlite.org/optoverview.html, "Disqualifying WHERE Clause Terms Using
    Unary +". Other databases see the column alone: their planners know how many rows meet the condition.
    """

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)
