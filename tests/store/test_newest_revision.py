"""The newest revision is read from file names; alembic, which knows it by reading the files, must agree."""

from pathlib import Path

from alembic.script import ScriptDirectory

from campaigns.store import migrate
from campaigns.store.engine import make_engine


def test_it_is_alembics_head_and_the_files_are_one_line() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    assert scripts.get_heads() == [migrate.newest_revision()]
    for revision in scripts.walk_revisions():
        assert Path(revision.path).name.startswith(f"{revision.revision}_")


def test_a_database_is_current_once_it_has_been_migrated(empty_database_url: str) -> None:
    engine = make_engine(empty_database_url)
    assert not migrate.schema_is_current(engine)
    migrate.migrate(engine)
    assert migrate.schema_is_current(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    assert not migrate.schema_is_current(engine)
    engine.dispose()
