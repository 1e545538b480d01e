"""Loaders: instances and a tree of relations -> one query a relation and level -> related rows attached.

Breadth-first: each level of the tree is asked once for all parents together, and loaders that ask the same question of
the same table (``author`` and ``editor``, both users by key) share one query and its instances. What is loaded already
(by a join, by an earlier prefetch) is used and not asked again. A query gives its rows by the key of the parent, so
a row through a table of links needs no further question to find its parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from covet.database.adapters.instrumentation import HOOKS
from covet.database.orm.peers import Peers
from covet.database.orm.query import execution
from covet.database.orm.query.keyed import linked
from covet.database.orm.query.purpose import Purpose, told
from covet.database.orm.unloaded import note_absent, take_over
from covet.database.routing import about

if TYPE_CHECKING:
    from covet.database.orm.generics import GenericKey
    from covet.database.orm.query.queryset import QuerySet
    from covet.database.orm.relations import Relation


#: An attribute that is not there, where None is a value.
_MISSING = object()


class Node:
    """One relation of the tree of what to load."""

    __slots__ = ("children", "queryset", "relation", "to_attr")

    def __init__(self, relation: Relation, to_attr: str | None) -> None:
        self.relation = relation
        self.to_attr = to_attr
        self.queryset: QuerySet[Any, Any] | None = None
        self.children: Tree = {}

    @property
    def target(self) -> str:
        """The attribute that gets what is loaded."""
        return self.to_attr or self.relation.cache_name

    def waiting(self, instances: Iterable[Any]) -> list[Any]:
        """Return the instances that do not have it yet."""
        target = self.target
        if self.to_attr is not None or self.relation.many or self.relation.kind == "reverse":
            missing = [each for each in instances if getattr(each, target, _MISSING) is _MISSING]
            if self.to_attr is not None or self.relation.many:
                return missing
            held = [
                each for each in instances if (row := getattr(each, target, None)) is not None and not row._is_loaded
            ]
            return [*missing, *held]
        return [each for each in instances if (row := getattr(each, target, None)) is None or not row._is_loaded]


class GenericNode:
    """A generic relation of the tree: a node for each model that its rows are of, made when they are known."""

    __slots__ = ("children", "generic", "nodes", "to_attr")

    def __init__(self, generic: GenericKey, to_attr: str | None) -> None:
        self.generic = generic
        self.to_attr = to_attr
        self.nodes: dict[type[Any], Node] = {}
        #: Nothing: what is loaded beyond it depends on the model, and stands in the nodes.
        self.children: Tree = {}

    def node(self, model: type[Any]) -> Node:
        """Return the node of one model."""
        if model not in self.nodes:
            self.nodes[model] = Node(self.generic.relation_to(model), self.to_attr)
        return self.nodes[model]


#: What to load, by the attribute or relation that holds it.
Tree: TypeAlias = "dict[str, Node | GenericNode]"


def is_there(instance: Any, relation: Relation) -> bool:
    """Return whether a relation of an instance is loaded; that there is no row on the other side may be known, too."""
    name, state = relation.cache_name, instance.__dict__
    related = state.get(name)
    if related is None:
        return relation.kind == "reverse" and name in state
    return relation.many or bool(related._is_loaded)


class _Question:
    """One query: the rows of one model for the keys of all parents that want them."""

    __slots__ = ("found", "owners", "peers", "relation", "source")

    def __init__(self, relation: Relation, source: QuerySet[Any, Any], peers: Peers | None) -> None:
        self.relation = relation
        self.source = source
        self.peers = peers
        #: The parents by key. Where several have the same one, the rows know one of them.
        self.owners: dict[Any, Any] = {}
        self.found: dict[Any, list[Any]] = {}

    async def ask(self) -> None:
        """Fetch the rows of all keys."""
        if not self.owners:
            return
        source = self.source
        query = linked(source.model._meta, (source.state, source.params), self.relation, self.owners)
        work = execution.fetch_linked(source.derive(*query), self.owners, self.peers)
        if HOOKS.callbacks:
            purpose = Purpose("prefetch", self.relation.model, relation=self.relation, instances=len(self.owners))
            work = told(purpose, work)
        try:
            self.found = await work
        finally:
            self.owners.clear()  # the driver's thread knows its last call, and that must keep no instance alive
        if self.relation.through is None:
            self._complete()

    def _complete(self) -> None:
        """Set what the rows were found by where the query left it out."""
        parts = self.relation.remote_field.parts
        first = next(chain.from_iterable(self.found.values()), None)
        if first is None or all(part.attname in first.__dict__ for part in parts):
            return
        names = [part.attname for part in parts]
        for key, rows in self.found.items():
            values = dict(zip(names, key if len(names) > 1 else (key,), strict=True))
            for row in rows:
                row.__dict__.update(values)


class _Task:
    """One node for some instances."""

    __slots__ = ("instances", "keys", "node", "question", "waiting")

    def __init__(self, node: Node, instances: Sequence[Any]) -> None:
        self.node = node
        self.instances = instances
        self.waiting = node.waiting(instances)
        self.keys = node.relation.keys_of(self.waiting)
        self.question: _Question | None = None

    # Attributes are set and read by setattr and getattr: through __dict__ every row would get a real dict of its own.

    def attach(self) -> None:
        """Give the instances what was found for them."""
        if self.question is None:
            return
        if self.node.relation.many:
            self._attach_many(self.question.found)
        else:
            self._attach_one(self.question.found, self.peers())  # the question may be one of several relations

    def _attach_many(self, found: dict[Any, list[Any]]) -> None:
        target = self.node.target
        for instance, key in zip(self.waiting, self.keys, strict=True):
            rows = found.get(key)  # None for an instance whose key is None
            setattr(instance, target, [] if rows is None else rows)

    def _attach_one(self, found: dict[Any, list[Any]], peers: Peers | None) -> None:
        relation, target, keys = self.node.relation, self.node.target, self.keys
        back, nothing = relation.back, relation.kind == "reverse" or self.node.to_attr is not None
        for instance, key in zip(self.waiting, keys, strict=True):
            rows = found.get(key)
            if rows:
                row = rows[0]
                if back is not None:
                    setattr(row, back, instance)
                if (reference := getattr(instance, target, None)) is not None:
                    take_over(reference, row)  # who holds the reference sees the row in it
                    row = reference
                else:
                    setattr(instance, target, row)
                row._peers = peers
            elif nothing:
                setattr(instance, target, None)
            elif relation.near_type is not None:
                note_absent(instance, relation, key)

    def peers(self) -> Peers | None:
        """Return the peers of the rows to attach: those of all the instances are peers, as the instances are."""
        first, target = self.instances[0], self.node.target
        peers: Peers | None = getattr(first, "_peers", None)
        if peers is None:
            return None
        alone = len(self.instances) == 1 and not peers.refused
        return Peers.of(first, (target,)) if alone else peers.under(target)

    def related(self) -> list[Any]:
        """Return the rows of the next level, each once."""
        target, relation = self.node.target, self.node.relation
        if relation.many:
            rows = list(chain.from_iterable(map(attrgetter(target), self.instances)))
            if relation.through is None:
                return rows  # a row has one such foreign key
        else:
            found = [getattr(instance, target, None) for instance in self.instances]
            # What only knows its key is no row; one with deferred fields is.
            rows = [row for row in found if row is not None and getattr(row, "_relation", None) is None]
        return list({id(row): row for row in rows}.values())


def _tasks(tree: Tree, instances: Sequence[Any]) -> Iterator[_Task]:
    for node in tree.values():
        if isinstance(node, Node):
            yield _Task(node, instances)
            continue
        parts = node.generic.parted(instances)
        if node.to_attr is not None:  # what refers to nothing has nothing there
            for instance in parts.pop(None, ()):
                setattr(instance, node.to_attr, None)
        for model, rows in parts.items():
            if model is not None:
                yield _Task(node.node(model), rows)


async def load_tree(instances: Sequence[Any], tree: Tree, database: str | None) -> None:
    """Load everything in the tree for these instances."""
    level = [*_tasks(tree, instances)]
    while level:
        for question in _questions(level, database):
            await question.ask()
        following: list[_Task] = []
        for task in level:
            task.attach()
            if task.node.children and (rows := task.related()):
                following.extend(_tasks(task.node.children, rows))
        level = following


async def load_relation(instances: Sequence[Any], relation: Relation) -> None:
    """Load one relation of instances that miss it; of a generic relation, what is of one model."""
    if (mark := relation.near_type) is not None:
        instances = [each for each in instances if each.__dict__.get(mark.field.attname) == mark.label]
    database = instances[0].__dict__.get("_database")
    work = load_tree(instances, {relation.name: Node(relation, None)}, database)
    if HOOKS.callbacks:
        purpose = Purpose("relation", relation.model, relation=relation, instances=len(instances))
        work = told(purpose, work)
    await work


def _questions(tasks: Iterable[_Task], database: str | None) -> list[_Question]:
    """Return the queries of one level; tasks that ask the same share one."""
    questions: dict[object, _Question] = {}
    for task in tasks:
        if not task.waiting:
            continue
        relation = task.node.relation
        source = _source(task.node, about(task.waiting[0], database))
        path = relation.remote._meta.key_path(relation)
        key = (source.model, path, relation.far_type, source.state, _comparable(source.params), source.database)
        task.question = questions.get(key)
        if task.question is None:
            task.question = questions[key] = _Question(relation, source, task.peers())
        task.question.owners.update(zip(task.keys, task.waiting, strict=True))
        task.question.owners.pop(None, None)
    return list(questions.values())


def _comparable(params: tuple[object, ...]) -> object:
    """Return what tells two tuples of parameters apart: equal values of different types are different."""
    return tuple((type(param), repr(param)) for param in params)


def _source(node: Node, database: str | None) -> QuerySet[Any, Any]:
    found = node.queryset
    if found is None:
        found = cast("QuerySet[Any, Any]", node.relation.remote._meta.base_queryset())
    return found if database is None or found.database is not None else found.using(database)
