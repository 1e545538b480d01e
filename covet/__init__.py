"""covet: an active-record ORM for asyncio on PostgreSQL and SQLite."""
