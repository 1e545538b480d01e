"""Selection: which columns a SELECT has, and what each means in its result. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from covet.database.orm.query.inference import decoder, token_type
from covet.database.orm.query.joins import JoinNode
from covet.database.orm.query.results import Entity, Record, RelatedEntity, ResultColumn
from covet.database.orm.query.state import Annotation, QueryState
from covet.database.orm.query.tokenizer import Tokenizer
from covet.database.orm.query.tokens import AnnotationToken, ExpressionToken, PathToken
from covet.database.orm.query.translation import Translator
from covet.database.sql import nodes
from covet.database.sql.statements import Selected
from covet.exceptions import FieldError

if TYPE_CHECKING:
    from covet.database.orm.fields.base import Field
    from covet.database.orm.filtered import RelationName
    from covet.database.orm.options import Options, ResolvedPath
    from covet.database.orm.relations import Relation


class Selection:
    """The columns of one SELECT."""

    def __init__(self, model: type[Any], state: QueryState, translator: Translator) -> None:
        self.model = model
        self.options: Options = model._meta
        self.state = state
        self.translator = translator
        self.joins = translator.joins
        self.columns: list[Selected] = []

    def _named(self, name: str) -> ExpressionToken:
        return Tokenizer(self.options, self.state, []).path(name)

    def add(self, expression: nodes.Expression) -> int:
        """Select one more column; return its position."""
        self.columns.append(Selected(expression))
        return len(self.columns) - 1

    def add_key(self) -> None:
        """Select the primary key."""
        for field in self.options.key:
            self.add(self.joins.root.column(field.column))

    def _field(self, field: Field[Any], name: str, expression: nodes.Expression, *, nullable: bool) -> ResultColumn:
        return ResultColumn(name, self.add(expression), field.logical_type, nullable, field.decode)

    def entity(self, node: JoinNode, prefix: str = "") -> Entity:
        """Select the columns of an instance, and of those that ``select_related`` brings along."""
        options = node.options
        joined = [name for name in options.relations if f"{prefix}{name}" in self._related_prefixes()]
        wanted = {local for name in joined for local, _ in options.relations[name].pairs}
        columns: list[ResultColumn] = []
        partial = False
        for field in options.fields:
            if field not in wanted and not self._is_loaded(field, prefix):
                partial = True
                continue
            column = nodes.ColumnRef(node.alias, field.column, field.logical_type)
            columns.append(self._field(field, field.attname, column, nullable=field.null))
        key = tuple(c.position for c in columns if c.name in options.key_names)
        related = tuple(self._related(node, options.relations[name], prefix) for name in joined)
        if not prefix:
            related += tuple(self._named_row(t.name) for t in self.state.filtered if self._is_selected(t.name))
            columns.extend(self._annotation(a) for a in self.state.annotations if not a.hidden)
        link = None if prefix else self.state.link
        if link is None:
            return Entity(options.model, tuple(columns), key, partial, related)
        # A row may come for several parents; what is annotated may be another value for each.
        shared = bool(link.path.relations) and not self.state.annotations
        return Entity(options.model, tuple(columns), key, partial, related, self._link(link.path), link.back, shared)

    def _annotation(self, annotation: Annotation) -> ResultColumn:
        return self._value(annotation.name, AnnotationToken("annotation", annotation.name))

    def _value(self, name: str, token: ExpressionToken) -> ResultColumn:
        if isinstance(token, PathToken) and token.path.parts:
            return self._key_of(name, token.path)
        expression = self.translator.value(token)
        inner = self.state.annotation(name) if isinstance(token, AnnotationToken) else token
        if isinstance(inner, PathToken):
            token = inner
        if isinstance(token, PathToken):
            return self._field(token.path.field, name, expression, nullable=token.path.nullable)
        kind = token_type(token, self.state)
        return ResultColumn(name, self.add(expression), kind, True, decoder(inner, self.state))

    def _key_of(self, name: str, path: ResolvedPath) -> ResultColumn:
        """Select the columns of a key of several fields."""
        columns = zip(path.parts, self.translator.columns(path), strict=True)
        parts = tuple(self._field(p.field, name, column, nullable=p.nullable) for p, column in columns)
        return ResultColumn(name, parts[0].position, None, path.nullable, parts=parts)

    def _related(self, node: JoinNode, relation: Relation, prefix: str) -> RelatedEntity:
        child = self.joins.reach((*node.relations(), relation), None, required=False)
        entity = self.entity(child, f"{prefix}{relation.name}__")
        absent = relation.kind == "reverse"
        return RelatedEntity(relation.cache_name, entity, relation.optional, relation.back, absent)

    def _named_row(self, name: RelationName) -> RelatedEntity:
        """Select the row that a filtered relation names. There may be several for one row of this model."""
        entity = self.entity(self.joins.reach(name.relations, None, required=False), f"{name.name}__")
        return RelatedEntity(name.name, entity, True, name.back, True)

    def _is_selected(self, name: RelationName) -> bool:
        return name.name in self._related_prefixes()

    # -- rows for many parents -------------------------------------------------------------

    def _link(self, path: ResolvedPath) -> ResultColumn:
        """Select the key of the parent that a row belongs to."""
        if path.parts:
            return replace(self._key_of("link", path), nullable=False)
        field, column = path.field, self.translator.column(path)
        for position, selected in enumerate(self.columns):
            if selected.expression == column:
                return ResultColumn("link", position, field.logical_type, False, field.decode)
        return self._field(field, "link", column, nullable=False)

    def _related_prefixes(self) -> set[str]:
        found: set[str] = set()
        for path in self.state.select_related:
            parts = path.split("__")
            found.update("__".join(parts[: i + 1]) for i in range(len(parts)))
        return found

    def _is_loaded(self, field: Any, prefix: str) -> bool:
        if field.attname in field.model._meta.key_names:
            return True
        names = {f"{prefix}{field.name}", f"{prefix}{field.attname}"}
        if names & self.state.defer:
            return False
        only = self.state.only
        if only is None:
            return True
        return bool(names & only) or (bool(prefix) and not any(name.startswith(prefix) for name in only))

    def record(self) -> Record:
        """Select the columns of ``values()``, ``values_list()`` and ``into()``."""
        shape = self.state.shape
        if shape is None:
            raise FieldError("This query has no values.")
        names = shape.names
        if names is None:
            names = (
                *(f.attname for f in self.options.fields),
                *(a.name for a in self.state.annotations if not a.hidden),
            )
        columns = tuple(self._value(name, self._named(name)) for name in names)
        if shape.keywords is not None:
            columns = tuple(replace(column, name=word) for column, word in zip(columns, shape.keywords, strict=True))
        return Record(shape.kind, columns, shape.row)
