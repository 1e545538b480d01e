"""Benchmarks: covet against the same work written by hand with the driver. Run ``python -m benchmarks``."""
