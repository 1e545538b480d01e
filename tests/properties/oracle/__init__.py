"""A Django application: the twins of ``tests.models.twins``."""
