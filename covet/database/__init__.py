"""Databases: configuration, connections, raw SQL, query hooks."""

from __future__ import annotations

from covet.database.adapters.base import Adapter
from covet.database.adapters.instrumentation import (
    CapturedQueries,
    QueryEvent,
    add_query_hook,
    capture_queries,
    remove_query_hook,
)
from covet.database.adapters.pool import PoolStatus
from covet.database.adapters.rows import Result, Row
from covet.database.config import DatabaseConfig
from covet.database.connections import close_all, get_adapter, register_pool, set_replicas
from covet.database.monitoring import QueryMonitor, QueryRecord, QueryStats
from covet.database.routing import Router, set_routers

__all__ = [
    "Adapter",
    "CapturedQueries",
    "DatabaseConfig",
    "PoolStatus",
    "QueryEvent",
    "QueryMonitor",
    "QueryRecord",
    "QueryStats",
    "Result",
    "Router",
    "Row",
    "add_query_hook",
    "capture_queries",
    "close_all",
    "get_adapter",
    "register_pool",
    "remove_query_hook",
    "set_replicas",
    "set_routers",
]
