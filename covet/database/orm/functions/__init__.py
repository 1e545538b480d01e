"""The library of SQL functions."""
