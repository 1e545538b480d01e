"""Relationships: the fields that refer to other models, and the managers of the other side."""

from __future__ import annotations

from covet.database.orm.relationships.foreign_key import (
    CASCADE,
    DO_NOTHING,
    PROTECT,
    RESTRICT,
    SET_DEFAULT,
    SET_NULL,
    ForeignKey,
    OnDelete,
)
from covet.database.orm.relationships.generic_foreign_key import GenericForeignKey
from covet.database.orm.relationships.generic_manager import GenericManager
from covet.database.orm.relationships.generic_relation import GenericRelation
from covet.database.orm.relationships.many_to_many import ManyToManyField
from covet.database.orm.relationships.many_to_many_manager import ManyToManyManager
from covet.database.orm.relationships.one_to_one import OneToOneField, ReverseOneToOne
from covet.database.orm.relationships.related_manager import RelatedManager
from covet.database.orm.relationships.reverse_manager import ReverseManager

__all__ = [
    "CASCADE",
    "DO_NOTHING",
    "PROTECT",
    "RESTRICT",
    "SET_DEFAULT",
    "SET_NULL",
    "ForeignKey",
    "GenericForeignKey",
    "GenericManager",
    "GenericRelation",
    "ManyToManyField",
    "ManyToManyManager",
    "OnDelete",
    "OneToOneField",
    "RelatedManager",
    "ReverseManager",
    "ReverseOneToOne",
]
