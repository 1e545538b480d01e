"""OpenTelemetry: spans and metrics of every database, by the conventions.

It is an extra: ``pip install covet-orm[opentelemetry]``. Nothing of covet imports this package, and nothing is
called while it is not used.
"""

from __future__ import annotations

try:
    from covet.opentelemetry.instrumentation import Instrumentation, instrument
except ModuleNotFoundError as exc:
    if exc.name is None or exc.name.partition(".")[0] != "opentelemetry":
        raise
    raise ImportError("covet.opentelemetry needs OpenTelemetry: pip install covet-orm[opentelemetry]") from exc

__all__ = ["Instrumentation", "instrument"]
