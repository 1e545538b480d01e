"""Dialect: what a database speaks, as capabilities and as factories of the compilers. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, TypeAlias, get_args

from covet._frozen import Frozen
from covet.database.dialects.plans import PlanNode
from covet.database.schema.types import LogicalType
from covet.database.sql.compiled import BindProcessor, Compiled
from covet.database.sql.ddl import DDLStatement
from covet.database.sql.statements import Statement
from covet.exceptions import NotSupportedError, ProgrammingError

LockMode: TypeAlias = Literal[
    "access share",
    "row share",
    "row exclusive",
    "share update exclusive",
    "share",
    "share row exclusive",
    "exclusive",
    "access exclusive",
]
LOCK_MODES: Final[tuple[LockMode, ...]] = get_args(LockMode)


class JsonText(str):
    """JSON that is already text: the driver's codec passes it on as it is."""

    __slots__ = ()


class Inline(Frozen):
    """A result processor as source: ``{v}`` is the value, never None there.

    It is written into the generated hydrator, so a row costs no Python call. ``names`` are the objects that the
    template uses; equal names must mean equal objects in all dialects.
    """

    template: str
    names: Mapping[str, object] = MappingProxyType({})


def quote_text(text: str) -> str:
    """Write a string literal of standard SQL. Only for DDL."""
    if "\x00" in text:
        raise ProgrammingError("A literal in a table's definition cannot hold the character NUL.")
    return "'" + text.replace("'", "''") + "'"


class Dialect(ABC):
    """One database's SQL. Facts are class attributes; a fact is here only if two databases differ in it."""

    name: ClassVar[str]
    #: How the database is called in messages.
    title: ClassVar[str]
    #: The most parameters that one statement may have.
    max_params: ClassVar[int]
    #: The most columns, joined tables and combined SELECTs of one SELECT.
    max_columns: ClassVar[int]
    max_tables: ClassVar[int]
    max_selects: ClassVar[int]
    #: The longest identifier, in bytes.
    max_identifier: ClassVar[int]
    #: ``InsertColumns`` is understood.
    supports_unnest: ClassVar[bool]
    #: Rows can be locked (``Select.lock``).
    supports_row_locks: ClassVar[bool]
    #: ``Inserted`` is understood.
    tells_inserted: ClassVar[bool]
    #: Tables live in schemas.
    supports_schemas: ClassVar[bool]
    #: A constraint can be added to a table that is there.
    supports_add_constraint: ClassVar[bool]
    #: DISTINCT ON is understood.
    supports_distinct_on: ClassVar[bool]

    @abstractmethod
    def compile(self, statement: Statement) -> Compiled:
        """Print a statement."""

    @abstractmethod
    def ddl(self, statement: DDLStatement) -> list[str]:
        """Print a DDL statement; one node may be several statements."""

    @lru_cache(maxsize=4_096)  # noqa: B019 - there is one of each dialect, for ever
    def quote(self, name: str) -> str:
        """Quote an identifier; PostgreSQL would silently cut one that is too long."""
        if not name or "\x00" in name or len(name.encode("utf-8", "surrogatepass")) > self.max_identifier:
            raise ProgrammingError(
                f"{self.title} cannot name anything {name[:80]!r}: an identifier has 1 to {self.max_identifier} bytes,"
                " none of them NUL."
            )
        return '"' + name.replace('"', '""') + '"'

    @abstractmethod
    def column_type(self, logical: LogicalType) -> str:
        """Return the type as a column declares it."""

    @abstractmethod
    def bind_processor(self, logical: LogicalType | None) -> BindProcessor | None:
        """Python -> driver; None: the driver takes the value as it is. Not called for None."""

    def copies(self, logical: LogicalType) -> bool:  # noqa: ARG002 - for the dialects that have it
        """Return whether values of a type can be sent by COPY."""
        return False

    @abstractmethod
    def result_processor(self, logical: LogicalType | None) -> Inline | None:
        """Driver -> Python; None: the driver gives the value as it is."""

    @abstractmethod
    def literal(self, value: object, logical: LogicalType) -> str:
        """Write a value as a literal of its type. Only for DDL: a statement has parameters."""

    #: The forms of EXPLAIN besides plain text.
    explain_formats: ClassVar[frozenset[str]] = frozenset()
    #: What EXPLAIN can be told.
    explain_options: ClassVar[frozenset[str]] = frozenset()

    def explain_prefix(self, form: str | None, options: Mapping[str, bool]) -> str:
        """Return what stands before a statement that is explained; refuse what the database does not know."""
        if form is not None and form not in self.explain_formats | {"text"}:
            known = ", ".join(sorted(self.explain_formats | {"text"}))
            raise NotSupportedError(f"{self.title} has no EXPLAIN in the format {form[:80]!r}. Choices: {known}.")
        for name in options:
            if name not in self.explain_options:
                known = ", ".join(sorted(self.explain_options)) or "none"
                raise NotSupportedError(f"{self.title} has no EXPLAIN option {name[:80]!r}. Choices: {known}.")
        return self.explain(form, options)

    #: The format that ``read_plan`` reads.
    plan_format: ClassVar[str | None] = None

    @abstractmethod
    def read_plan(self, rows: Sequence[Any]) -> PlanNode:
        """Return the plan in the rows that EXPLAIN in the format ``plan_format`` gave."""

    @abstractmethod
    def plan_text(self, rows: Sequence[Any]) -> str:
        """Return the rows of EXPLAIN as text."""

    @abstractmethod
    def explain(self, form: str | None, options: Mapping[str, bool]) -> str:
        """Return what stands before a statement that is explained; format and options are known ones."""

    def script(self, statements: Iterable[DDLStatement]) -> list[str]:
        """Print several DDL statements in order."""
        return [text for statement in statements for text in self.ddl(statement)]

    def advisory_lock(self, *, shared: bool, wait: bool, transaction: bool = False) -> str:  # noqa: ARG002
        """Return the query that takes the lock of a number; without ``wait`` it answers whether it has it."""
        raise NotSupportedError(
            f"{self.title} has no advisory locks. A transaction that writes is the only one there: transaction() is a "
            "lock over the whole database."
        )

    def advisory_unlock(self, *, shared: bool) -> str:  # noqa: ARG002 - as advisory_lock
        """Return the query that gives the lock of a number back."""
        raise NotSupportedError(f"{self.title} has no advisory locks.")

    def log_position(self, *, replayed: bool) -> str:  # noqa: ARG002
        """Return the query for the number of the last entry of the log, or of the last one that a copy has replayed."""
        raise NotSupportedError(f"{self.title} has no replicas.")

    def lock_table(self, tables: Sequence[str], mode: LockMode, *, wait: bool) -> str:  # noqa: ARG002
        """Return the statement that locks tables, whose names are quoted, until the transaction ends."""
        raise NotSupportedError(
            f"{self.title} has no LOCK TABLE. A transaction that writes is the only one there, whatever the table."
        )
