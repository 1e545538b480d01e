"""Configuration: what database, reached how. Pure; nothing here opens anything."""

from __future__ import annotations

from covet.database.config.registry import config_for, configured_aliases, forget, mark_used, missing, register, watch
from covet.database.config.settings import DatabaseConfig, Engine

__all__ = [
    "DatabaseConfig",
    "Engine",
    "config_for",
    "configured_aliases",
    "forget",
    "mark_used",
    "missing",
    "register",
    "watch",
]
