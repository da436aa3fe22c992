"""The database: every table, the engine, the migrations. Knows no rules."""
