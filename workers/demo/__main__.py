"""`make demo`: the main job from an empty register to the next edition, told in one table.

Promise: everything is real but the people: the queue, the processes, SMTP, HTTP, the failure report. Ends
with 0 only if the accounts of every campaign close and nobody got a message after a no; leaves nothing
running.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from campaigns.delivery import accounts
from campaigns.errors import UtskickError
from campaigns.store.engine import reading
from workers.demo import news
from workers.demo.checks import Outcome, said_no, violations
from workers.demo.people import CONTACTS, write_contacts
from workers.demo.place import DemoFailed, Place
from workers.demo.table import accounts_table
from workers.wiring import Installation

_OUT = Console(soft_wrap=True, highlight=False)
_LISTS = (("news", "newsletter", "From the Mill"), ("magazine", "magazine", "Kvist"))
_EDITIONS = (
    ("newsletter", "news", "2026-11"),
    ("magazine", "magazine", "2026-4"),
    ("newsletter", "news", "2026-12"),
)
_WEBHOOK = "mail-operator"


def main() -> int:
    """Run the demo; returns the exit code."""
    began = time.monotonic()
    project = Path(__file__).resolve().parents[2]
    said = argparse.ArgumentParser(
        prog="python -m workers.demo", description="The whole main job, here and now."
    )
    said.add_argument("--people", type=int, default=CONTACTS, help="how many contacts (at least 3)")
    said.add_argument("--folder", type=Path, default=project / "var" / "demo", help="made anew by each run")
    wanted = said.parse_args()
    place = None
    try:
        place = Place(project, wanted.folder.resolve())
        summary = _run(place, wanted.people)
    except (UtskickError, OSError) as error:
        _OUT.print(f"The demo failed: {error}")
        return 1
    finally:
        if place is not None:
            place.stop()
    path = place.folder / "summary.json"
    path.write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    _tell(place, summary, time.monotonic() - began)
    return 1 if summary["violations"] else 0


def _tell(place: Place, summary: dict[str, Any], seconds: float) -> None:
    _OUT.print(accounts_table(summary["campaigns"]))
    for violation in summary["violations"]:
        _OUT.print(f"VIOLATION: {violation}")
    _OUT.print(f"Violations: {len(summary['violations'])}. It took {seconds:.0f} s.")
    _OUT.print(f"The messages: {place.mail}/000001.eml …")
    _OUT.print(f"The print house's address files: {summary['print_files'][0]} …")
    _OUT.print(f"The register: {place.database}")
    _OUT.print(f"All of this for programs: {place.folder / 'summary.json'}")


def _run(place: Place, people: int) -> dict[str, Any]:
    place.utskick("init")
    secret = news.make_secret(place.folder / "var" / "secrets" / f"webhook-{_WEBHOOK}.secret")
    ports = ("--web-port", str(place.web_port), "--inbound-port", str(place.inbound_port))
    place.start("workers.demo.sink", str(place.sink_port), str(place.mail))
    place.start("workers", "up", "--threads", "2", *ports)
    _fill_register(place, people)
    for port in (place.sink_port, place.web_port, place.inbound_port):
        place.wait_for(f"port {port}", partial(place.listens, port))
    ours = place.installation()
    campaigns = [_send(place, ours, 1), _send(place, ours, 2)]
    three = [news.read_kept(path) for path in sorted(place.mail.glob("*.eml"))[:3]]
    _OUT.print("Three recipients answer: one leaves the list, one address bounces by mail, one by webhook.")
    news.unsubscribe(three[0])
    news.bounce(three[1], place.inbound_port)
    news.report_by_webhook(three[2], f"http://127.0.0.1:{place.web_port}/hooks/generic/{_WEBHOOK}", secret)
    before = len(list(place.mail.glob("*.eml")))
    campaigns.append(_send(place, ours, 3))
    mail = [news.read_kept(path) for path in sorted(place.mail.glob("*.eml"))]
    gone = frozenset(kept.recipient for kept in three)
    outcome = Outcome(campaigns, mail, place.print_files(), gone, before)
    with reading(ours.engine) as connection:
        refusals = said_no(connection)
    return {
        "campaigns": campaigns,
        **refusals,
        "violations": violations(ours.engine, outcome),
        "mail_dir": str(place.mail),
        "print_files": [str(path) for path in outcome.print_files],
        "database": place.database,
    }


def _fill_register(place: Place, people: int) -> None:
    write_contacts(place.folder / "contacts.csv", people)
    for key, kind, name in _LISTS:
        place.utskick("lists", "add", key, "--kind", kind, "--name", name)
        origin = ("--source", "trade fair 2026", "--basis", "consent")
        report = place.utskick("contacts", "import", "contacts.csv", "--list", key, *origin)
        _OUT.print(f"Imported {report['rows']} of {people} people to the list {key}.")


def _send(place: Place, ours: Installation, number: int) -> dict[str, Any]:
    """Submit an example through the queue and wait until its accounts are closed."""
    example, mailing_list, edition = _EDITIONS[number - 1]
    submission_id = f"demo-{example}-{edition}"
    place.utskick(
        *("campaigns", "submit", str(place.project / "examples" / f"{example}.toml")),
        *("--submission-id", submission_id, "--set", f'campaign.lists=["{mailing_list}"]'),
        *("--set", f'campaign.edition="{edition}"'),
    )

    def completed() -> bool:
        refused = accounts.list_refused(ours.engine)
        if refused:
            raise DemoFailed(f"submission {submission_id} was refused: {refused[0]['faults']}")
        listed = {item["submission_id"]: item for item in accounts.list_campaigns(ours.engine)}
        return submission_id in listed and listed[submission_id]["status"] == "completed"

    place.wait_for(f"campaign {number}", completed)
    shown = accounts.show(ours.engine, number)
    _OUT.print(f"Campaign {number}: {shown['key']} {shown['edition']}, {shown['accepted']} accepted.")
    return shown


if __name__ == "__main__":
    sys.exit(main())
