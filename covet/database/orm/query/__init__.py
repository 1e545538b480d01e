"""Queries: Q, QuerySet, Prefetch and F. The stages of a query are the modules of this package."""

from __future__ import annotations

from covet.database.orm.conditions import Q
from covet.database.orm.expressions import F
from covet.database.orm.query.ctes import CTE
from covet.database.orm.query.prefetch import GenericPrefetch, Prefetch, prefetch_related_objects
from covet.database.orm.query.queryset import QuerySet
from covet.database.orm.query.raw import RawQuerySet

__all__ = ["CTE", "F", "GenericPrefetch", "Prefetch", "Q", "QuerySet", "RawQuerySet", "prefetch_related_objects"]
