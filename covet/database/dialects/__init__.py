"""What differs by database. Pure: no driver and no event loop is imported here."""
