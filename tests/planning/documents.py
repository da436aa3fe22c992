"""A register that takes submissions, and a submission that it takes."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from campaigns.content.catalogue import Catalogue
from campaigns.content.model import Brand
from campaigns.planning.campaign import Planning
from campaigns.principal import Principal
from campaigns.register import identity, mailing_lists
from campaigns.register.mailing_lists import MailingList
from campaigns.store import schema
from campaigns.store.engine import make_engine, reading, writing
from campaigns.store.migrate import migrate
from tests.architecture.tree import ROOT
from tests.web.place import CONTROLLER

TESTER = Principal("os:test")
SAMPLE = json.loads((ROOT / "templates" / "plain" / "sample.json").read_text("utf-8"))
#: Key of a list -> its purpose.
LISTS = {"news": "marketing", "offers": "marketing", "surveys": "research"}


@contextmanager
def made_planning(url: str, *, prints: bool = True) -> Iterator[Planning]:
    """A founded register with its lists, and nobody in it."""
    engine = make_engine(url)
    migrate(engine)
    with writing(engine) as connection:
        identity.found(connection, "incarnation", [], TESTER)
        for key, purpose in LISTS.items():
            mailing_lists.add(connection, MailingList(0, key, "newsletter", key.title(), purpose), TESTER)
    brand = Brand("https://post.timmero.example", CONTROLLER)
    try:
        yield Planning(engine, Catalogue(), brand, {"default": "main"}, prints=prints)
    finally:
        engine.dispose()


def document(**changes: Any) -> dict[str, Any]:
    """A submission in one language that the register takes; `campaign__key="x"` changes what is within."""
    campaign = {
        "key": "news",
        "edition": "2026-11",
        "kind": "newsletter",
        "lists": ["news"],
        "template": "plain",
        "subject": {"sv": SAMPLE["subject"]["sv"]},
        "merge_data": SAMPLE["merge_data"],
    }
    made: dict[str, Any] = {"submission_id": "one", "submitted_by": "service:website", "campaign": campaign}
    made = copy.deepcopy(made)
    for path, value in changes.items():
        *above, last = path.split("__")
        table = made
        for name in above:
            table = table.setdefault(name, {})
        table[last] = value
    return made


def kept(planning: Planning) -> list[sa.RowMapping]:
    """All submissions, in the order in which they came."""
    with reading(planning.engine) as connection:
        statement = sa.select(schema.submission).order_by(schema.submission.c.id)
        return list(connection.execute(statement).mappings())


def campaigns(planning: Planning) -> int:
    """How many campaigns there are."""
    with reading(planning.engine) as connection:
        counted = connection.execute(sa.select(sa.func.count()).select_from(schema.campaign))
        return int(counted.scalar_one())
