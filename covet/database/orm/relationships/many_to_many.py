"""ManyToManyField: the types of a relation through a table of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Self, overload

from typing_extensions import TypeVar

from covet.database.orm.relations import RelationReference
from covet.database.orm.relationships.related_manager import RelatedManager
from covet.exceptions import ModelDefinitionError

if TYPE_CHECKING:
    from covet.database.orm.model import Model

_ToM = TypeVar("_ToM", bound="Model[Any]", default=Any)


class ManyToManyManager(RelatedManager[_ToM]):
    """``post.tags``."""


class ManyToManyField(RelationReference, Generic[_ToM]):
    """``tags = ManyToManyField("Tag", related_name="posts")``."""

    name: str = ""

    if TYPE_CHECKING:

        @overload
        def __init__(
            self,
            to: type[_ToM] | Callable[[], type[_ToM]],
            *,
            related_name: str = ...,
            through: str | type[Any] = ...,
            db_table: str = ...,
        ) -> None: ...
        @overload
        def __init__(
            self, to: str, *, related_name: str = ..., through: str | type[Any] = ..., db_table: str = ...
        ) -> None: ...
        def __init__(self, to: Any, **options: Any) -> None: ...

    else:

        def __init__(self, to: Any, **options: Any) -> None:
            self.to = to
            self.options = options

    @property
    def relation_name(self) -> str:
        return self.name

    def contribute_to_class(self, model: type[Any], name: str) -> None:
        """Refuse: the relation is declared for the type checkers, its table is not made yet."""
        raise ModelDefinitionError(
            f"{model.__name__}.{name}: ManyToManyField is not supported yet. "
            "Declare a model with two foreign keys in its place."
        )

    @overload
    def __get__(self, instance: None, owner: type[Any], /) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any], /) -> ManyToManyManager[_ToM]: ...
    def __get__(self, instance: object, owner: type[Any], /) -> Any:
        return self
