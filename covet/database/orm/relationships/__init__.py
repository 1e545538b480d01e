"""Relationships: the fields that refer to other models, and the managers of the other side."""

from __future__ import annotations

from covet.database.orm.on_delete import (
    CASCADE,
    DB_CASCADE,
    DB_SET_DEFAULT,
    DB_SET_NULL,
    DO_NOTHING,
    PROTECT,
    RESTRICT,
    SET,
    SET_DEFAULT,
    SET_NULL,
    OnDelete,
)
from covet.database.orm.relationships.foreign_key import ForeignKey
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
    "DB_CASCADE",
    "DB_SET_DEFAULT",
    "DB_SET_NULL",
    "DO_NOTHING",
    "PROTECT",
    "RESTRICT",
    "SET",
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
