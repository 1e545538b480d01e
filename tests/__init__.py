"""The tests: ``make test``."""
