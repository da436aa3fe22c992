"""A whole installation for tests of the processes: example settings, a register with people, campaigns on the way."""

import shutil
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from campaigns.delivery import accounts
from campaigns.delivery.ledger import BatchRef
from campaigns.delivery.send import BatchReport
from campaigns.planning.campaign import receive
from campaigns.planning.expansion import expand
from campaigns.principal import Principal
from campaigns.register import mailing_lists
from campaigns.register.intake import ImportRequest, import_contacts
from campaigns.register.mailing_lists import MailingList
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.architecture.tree import ROOT
from workers.sending import SendingRoom
from workers.settings import load_settings
from workers.wiring import Installation, initialise

KAJ = Principal("os:kaj")


@dataclass
class Place:
    """One installation, and short words for what tests do with it."""

    installation: Installation
    folder: Path
    environment: dict[str, str]

    @property
    def engine(self) -> sa.Engine:
        """Its database."""
        return self.installation.engine

    def people(self, count: int, first: int = 0, **columns: str) -> None:
        """Import so many people on the list `news`."""
        path = self.folder / f"people-{first}.csv"
        names = list(columns)
        lines = [",".join(["email", "first_name", "language", *names])]
        rest = [columns[name] for name in names]
        lines += [
            ",".join([f"p{n}@kund.example", f"Kim{n}", ("sv", "fi", "en")[n % 3], *rest])
            for n in range(first, first + count)
        ]
        path.write_text("\n".join(lines) + "\n")
        with writing(self.engine) as connection:
            news = mailing_lists.add(
                connection, MailingList(0, "news", "newsletter", "News", "marketing"), KAJ
            )
        request = ImportRequest(path, news, "trade fair", "consent")
        report = import_contacts(self.engine, self.installation.ring, request, KAJ)
        assert report.imported == count

    def document(self, submission_id: str = "first", **parts: Mapping[str, Any]) -> dict[str, Any]:
        """The example's submission in English only, with another identity and what `parts` change."""
        document = tomllib.loads((ROOT / "examples" / "newsletter.toml").read_text())
        document["submission_id"] = submission_id
        document["campaign"]["subject"] = {"en": document["campaign"]["subject"]["en"]}
        for name, values in parts.items():
            document.setdefault(name, {}).update(values)
        return document

    def submit(self, submission_id: str = "first", **parts: Mapping[str, Any]) -> int:
        """Plan a campaign."""
        receipt = receive(self.installation.planning, self.document(submission_id, **parts))
        assert receipt.campaign_id is not None, receipt.faults
        return receipt.campaign_id

    def opened(self, submission_id: str = "first", **parts: Mapping[str, Any]) -> int:
        """Plan and expand a campaign."""
        campaign = self.submit(submission_id, **parts)
        assert expand(self.engine, campaign) is not None
        return campaign

    def send(self, campaign: int, batch_no: int = 1) -> BatchReport | None:
        """Hand one batch over, in this process."""
        room = SendingRoom(self.installation, lambda: False)
        try:
            return room.send(BatchRef(campaign, batch_no))
        finally:
            room.close()

    def show(self, campaign: int) -> dict[str, Any]:
        """Its accounts, which must close."""
        found = accounts.show(self.engine, campaign)
        parts = ("accepted", "rejected", "withheld_total", "uncertain", "expired", "cancelled")
        waiting = ("pending", "sending", "deferred")
        assert found["recipients"] == sum(found[name] for name in (*parts, *waiting))
        if found["status"] in ("completed", "cancelled"):
            assert all(found[name] == 0 for name in waiting)
        return found

    def counts(self, campaign: int) -> Counter[str]:
        """How many rows have which status."""
        row = schema.delivery.c
        statement = sa.select(row.status).where(row.campaign_id == campaign)
        with reading(self.engine) as connection:
            return Counter(connection.execute(statement).scalars())

    def change(self, table: sa.Table, **values: Any) -> None:
        """Change all rows of a table behind everybody's back."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(table).values(**values))

    def tags(self) -> list[tuple[str, str]]:
        """Principal and tag of every audit entry, in order."""
        table = schema.audit.c
        with reading(self.engine) as connection:
            rows = connection.execute(sa.select(table.principal, table.tag).order_by(table.id))
            return [(row.principal, row.tag) for row in rows]


@contextmanager
def made_place(folder: Path, database_url: str, smarthost: str, **settings: str) -> Iterator[Place]:
    """An initialised installation; `settings` are variables without UTSKICK_."""
    shutil.copy(ROOT / "utskick.example.toml", folder / "utskick.toml")
    environment = {
        "UTSKICK_DATABASE_URL": database_url,
        "UTSKICK_SMARTHOST": smarthost,
        **{f"UTSKICK_{name}": value for name, value in settings.items()},
    }
    loaded = load_settings(folder, environment)
    initialise(loaded, KAJ)
    installation = Installation(loaded)
    try:
        yield Place(installation, folder, environment)
    finally:
        installation.engine.dispose()
