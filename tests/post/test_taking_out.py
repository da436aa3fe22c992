"""Erased people leave the address files that still lie in our folder, and nobody else does."""

from pathlib import Path

import sqlalchemy as sa

from campaigns.post import manifest
from campaigns.post.taking_out import take_out
from campaigns.store import schema
from campaigns.store.engine import reading
from tests.post.register import OpenRegister
from tests.post.test_edition import HOME, listed, write_all


def test_the_row_goes_and_file_manifest_and_note_agree(
    registers: OpenRegister, database_url: str, tmp_path: Path
) -> None:
    engine = registers(database_url, HOME)
    write_all(engine, tmp_path)
    with reading(engine) as connection:
        delivery = schema.delivery.c
        bjork = connection.execute(sa.select(delivery.number).where(delivery.contact_id == 2)).scalar_one()
    (name,) = listed(tmp_path)
    (left,) = tmp_path.rglob(name)
    dead = left.with_name(".A_kvist_1_sv_FI_9.csv.part")
    dead.write_text("Björk")
    houses = {"main": tmp_path}
    assert take_out(engine, houses, [(1, bjork)]) == 1
    assert take_out(engine, houses, [(1, bjork)]) == 0
    assert listed(tmp_path) == {name: ["Ask", "Cederholm"]}
    assert not dead.exists()
    assert len(manifest.read_mail_ids(left)) == manifest.read_manifest(left).rows == 2
    with reading(engine) as connection:
        booked = connection.execute(sa.select(schema.print_file.c.sha256, schema.print_file.c.rows)).one()
    assert tuple(booked) == (manifest.read_manifest(left).sha256, 2)
    left.unlink()
    assert take_out(engine, houses, [(1, 1)]) == 0  # fetched: it is told on instead
