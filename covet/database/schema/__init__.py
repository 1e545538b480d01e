"""What a table is: frozen data without behaviour and without SQL.

Models, migration history, a live database and foreign sources all give these objects.
"""
