"""Databases: configuration, connections, transactions and the ORM."""
