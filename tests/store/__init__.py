"""The database: its schema, its migrations, and the engine that opens transactions on it."""
