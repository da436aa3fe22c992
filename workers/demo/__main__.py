"""`make demo`: the main job from an empty register to the next edition, told in one table.

Promise: everything is real but the people: the queue, the processes, SMTP, HTTP, the failure report. Ends
with 0 only if the accounts of every campaign close and nobody got a message after a no; leaves nothing
running.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from campaigns.errors import UtskickError
from workers.demo import news
from workers.demo.people import write_contacts
from workers.demo.place import DemoFailed, Place

_OUT = Console(soft_wrap=True)


def main() -> int:
    """Run the demo; returns the exit code."""
    began = time.monotonic()
    place = Place(Path(__file__).resolve().parents[2])
    try:
        summary = _run(place)
    except (UtskickError, OSError) as error:
        _OUT.print(f"The demo failed: {error}")
        return 1
    finally:
        place.stop()
    path = place.folder / "summary.json"
    path.write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    _show(summary, place, time.monotonic() - began)
    return 1 if summary["violations"] else 0


def _run(place: Place) -> dict[str, Any]:
    secret = _prepare(place)
    place.start("workers.demo.sink", str(place.sink_port), str(place.mail))
    place.start(
        "workers",
        "up",
        "--threads",
        "2",
        "--web-port",
        str(place.web_port),
        "--inbound-port",
        str(place.inbound_port),
    )
    for port in (place.sink_port, place.web_port, place.inbound_port):
        place.wait_for(f"port {port}", lambda port=port: place.listens(port))  # type: ignore[misc]
    first = _send(place, 1, "newsletter", "demo-newsletter-1", "2026-11")
    news_mail = sorted(place.mail.glob("*.eml"))
    second = _send(place, 2, "magazine", "demo-magazine-1", "2026-4", "both")
    left, dead, reported = (news.read_kept(news_mail[index]) for index in (0, 1, 2))
    _OUT.print("Three recipients answer: one leaves the list, one address bounces by mail, one by webhook.")
    news.unsubscribe(left)
    news.bounce(dead, place.inbound_port)
    news.report_by_webhook(reported, f"http://127.0.0.1:{place.web_port}/hooks/generic/mail-operator", secret)
    before = len(list(place.mail.glob("*.eml")))
    third = _send(place, 3, "newsletter", "demo-newsletter-2", "2026-12")
    gone = {left.recipient, dead.recipient, reported.recipient}
    campaigns = [first, second, third]
    return {
        "campaigns": campaigns,
        "unsubscribed": 1,
        "bounced": 2,
        "violations": _violations(place, campaigns, gone, before),
        "mail_dir": str(place.mail),
        "print_files": sorted(str(path) for path in (place.folder / "var" / "print").rglob("*.csv")),
        "database": f"sqlite:///{place.folder / 'var' / 'utskick.db'}",
    }


def _prepare(place: Place) -> str:
    """Make the register and its people; returns the webhook's secret."""
    people = write_contacts(place.folder / "contacts.csv")
    place.utskick("init")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    path = place.folder / "var" / "secrets" / "webhook-mail-operator.secret"
    path.touch(mode=0o600)
    path.write_text(secret + "\n", encoding="ascii")
    for key, kind, name in (("news", "newsletter", "Från kajen"), ("magazine", "magazine", "Kajen")):
        place.utskick("lists", "add", key, "--kind", kind, "--name", name)
        report = place.utskick(
            "contacts",
            "import",
            "contacts.csv",
            "--list",
            key,
            "--source",
            "trade fair 2026",
            "--basis",
            "consent",
        )
        _OUT.print(f"Imported {report['rows']} of {people} people to the list {key}.")
    return secret


def _send(
    place: Place, number: int, example: str, submission_id: str, edition: str, channel: str = "email"
) -> dict[str, Any]:
    """Submit an example through the queue and wait until its accounts are closed."""
    key = "news" if example == "newsletter" else "magazine"
    place.utskick(
        "campaigns",
        "submit",
        str(place.project / "examples" / f"{example}.toml"),
        *("--submission-id", submission_id, "--set", f'campaign.lists=["{key}"]'),
        *("--set", f'campaign.edition="{edition}"', "--set", f'campaign.channel="{channel}"'),
    )

    def completed() -> bool:
        listed = {item["id"]: item["status"] for item in place.utskick("campaigns", "list")["campaigns"]}
        if number not in listed:
            refused = place.utskick("campaigns", "list", "--refused")["campaigns"]
            if refused:
                raise DemoFailed(f"submission {submission_id} was refused: {refused[0]['faults']}")
        return listed.get(number) == "completed"

    place.wait_for(f"campaign {number}", completed)
    shown = place.utskick("campaigns", "show", str(number))
    _OUT.print(f"Campaign {number}: {shown['key']} {shown['edition']}, {shown['accepted']} accepted.")
    return shown


def _violations(place: Place, campaigns: list[dict[str, Any]], gone: set[str], before: int) -> list[str]:
    found = []
    kept = [news.read_kept(path) for path in sorted(place.mail.glob("*.eml"))]
    for message_id, copies in Counter(item.message_id for item in kept).items():
        if copies > 1:
            found.append(f"{message_id} was handed over {copies} times")
    late = [item.path.name for item in kept[before:] if item.recipient in gone]
    found += [f"{name} went to somebody who had said no" for name in late]
    open_or_closed = [
        "accepted",
        "rejected",
        "withheld_total",
        "uncertain",
        "expired",
        "cancelled",
        "pending",
        "sending",
        "deferred",
    ]
    for campaign in campaigns:
        total = sum(campaign[name] for name in open_or_closed)
        if total != campaign["recipients"]:
            found.append(f"campaign {campaign['id']}: {total} accounted for of {campaign['recipients']}")
    return found


def _show(summary: dict[str, Any], place: Place, seconds: float) -> None:
    columns = ("campaign", "recipients", "accepted", "withheld", "rejected", "uncertain", "open", "status")
    table = Table(*columns, title="The accounts")
    for item in summary["campaigns"]:
        withheld = ", ".join(f"{count} {reason}" for reason, count in item["withheld"].items()) or "0"
        still_open = item["pending"] + item["sending"] + item["deferred"]
        cells = (
            item["recipients"],
            item["accepted"],
            withheld,
            item["rejected"],
            item["uncertain"],
            still_open,
        )
        table.add_row(f"{item['key']} {item['edition']}", *(str(cell) for cell in cells), item["status"])
    _OUT.print(table)
    for violation in summary["violations"]:
        _OUT.print(f"VIOLATION: {violation}")
    _OUT.print(f"Violations: {len(summary['violations'])}. Took {seconds:.0f} s.")
    _OUT.print(
        f"Mail: {place.mail} · print files: {len(summary['print_files'])} · summary: {place.folder / 'summary.json'}"
    )


sys.exit(main())
