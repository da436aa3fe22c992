"""Alembic's entry: runs the migrations on the connection it is handed (see campaigns.store.migrate)."""

from __future__ import annotations

from alembic import context

from campaigns.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
