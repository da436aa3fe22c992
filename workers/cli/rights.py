"""`utskick rights`: the requests of people in their own right, from their coming to the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter

from campaigns.clock import utc_now
from campaigns.errors import InputError
from campaigns.register.objections import SubjectKey
from campaigns.rights import deadlines, listing, people, requests, wishes
from campaigns.rights.refusals import Refusal
from campaigns.rights.taking_up import take_up
from campaigns.store.engine import reading, writing
from workers.cli import given, rights_duties
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import IN_RANGE, Limit
from workers.wiring import Installation, opened, operator

rights = App(name="rights")
rights_duties.add_to(rights)
RequestNumber = Annotated[
    int, Parameter(validator=IN_RANGE, help="Its number, as `utskick rights list` shows it.")
]
#: A file, or `-` for standard input, which would else read as an option.
AddressFile = Annotated[
    str | None,
    Parameter(
        allow_leading_hyphen=True,
        help="Instead: a file with their address, - for standard input; only its fingerprint is kept.",
    ),
]
OneContact = Annotated[
    int | None, Parameter(validator=IN_RANGE, help="Whose it is, by number in the register.")
]


@rights.command(name="open")
def open_(
    kind: Annotated[requests.RequestKind, Parameter(help="What is asked for.")],
    *,
    contact: OneContact = None,
    address_from: AddressFile = None,
    mail: Annotated[
        int | None,
        Parameter(
            validator=IN_RANGE, help="Instead: a parked letter, as `utskick feedback parked list` shows it."
        ),
    ] = None,
    received: Annotated[str | None, Parameter(help="The day it came, YYYY-MM-DD; left out: today.")] = None,
    language: Annotated[
        Literal["sv", "fi", "en"] | None, Parameter(help="The language to answer in; left out: the person's.")
    ] = None,
    evidence: Annotated[str, Parameter(help="Where the request is kept, e.g. letter of 2026-11-12.")] = "",
    json: Json = False,
) -> None:
    """Record a request; an objection binds when the command ends with 0 and is closed at once."""
    installation = opened()
    if mail is not None:
        if kind == "objection" or contact is not None or address_from is not None:
            raise InputError("--mail stands alone; an objection takes --contact or --address-from")
        with writing(installation.engine) as connection:
            number = take_up(connection, mail, kind, operator(), installation.settings.time_zone)
    else:
        found, key = _who(installation, contact, address_from)
        told = _Told(kind, received, language, evidence)
        number = _opened_request(installation, found, key, told)
    with reading(installation.engine) as connection:
        shown = listing.show(connection, number)
    answer(shown, f"Request {number}, to be answered by {shown['due_on']}.", as_json=json)


@dataclass(frozen=True)
class _Told:
    """What the command says of a request."""

    kind: requests.RequestKind
    received: str | None
    language: str | None
    evidence: str


def _opened_request(
    installation: Installation, contact: int | None, key: SubjectKey | None, told: _Told
) -> int:
    zone = installation.settings.time_zone
    with reading(installation.engine) as connection:
        spoken = people.living(connection, contact)["language"] if contact is not None else None
    asked = requests.Asked(
        kind=told.kind,
        came_by="operator",
        contact_id=contact,
        subject_key=key.key if contact is None and key is not None else None,
        evidence=told.evidence,
        language=told.language or spoken,
        received_at=_moment(told.received, zone),
        time_zone=zone,
    )
    if told.kind == "objection":
        return wishes.object_to_everything(installation.engine, asked, key, operator())
    with writing(installation.engine) as connection:
        return requests.open_request(connection, asked, operator())


@rights.command
def identify(
    request: RequestNumber,
    *,
    how: Annotated[
        requests.How, Parameter(help="Control of the mailbox, a document shown, or known in person.")
    ],
    document: Annotated[
        requests.Document | None, Parameter(help="The kind of document that was shown; no copy is kept.")
    ] = None,
    contact: Annotated[
        int | None, Parameter(validator=IN_RANGE, help="Whose it is, where it came without a contact.")
    ] = None,
    json: Json = False,
) -> None:
    """Record that the person who asks is who they say."""
    installation = opened()
    if contact is not None:
        with writing(installation.engine) as connection:
            people.living(connection, contact)
            requests.name_contact(connection, request, contact, operator())
    requests.identify(installation.engine, request, requests.Identification(how, document), operator())
    answer({"request": request, "identified": how}, f"Request {request} is identified.", as_json=json)


@rights.command
def disclose(
    request: RequestNumber,
    *,
    out: Annotated[Path, Parameter(help="The folder to make; for its owner's eyes only.")],
    json: Json = False,
) -> None:
    """Answer a request for access or portability: everything on the person, as JSON, HTML, PDF and CSV."""
    from campaigns.rights.disclosure import disclose as disclosed
    from workers.cli.rights_package import keeper, refuse_used, write_package

    installation = opened()
    refuse_used(out)
    package = disclosed(
        installation.engine, installation.ring, keeper(installation.settings), request, operator()
    )
    write_package(out, package)
    answer({"request": request, "files": sorted(package)}, f"Written to {out}.", as_json=json)


@rights.command
def erase(request: RequestNumber, *, json: Json = False) -> None:
    """Erase the person of an identified request, everywhere; when it ends with 0, nothing goes to them any more."""
    from campaigns.rights.erasure import erase as erased_from
    from workers.erasing import erase_files

    installation = opened()
    gone = erased_from(installation.engine, installation.ring, request, operator())
    files = erase_files(installation, gone)
    told = {
        "request": request,
        "contacts": list(gone.contacts),
        "rows": gone.rows,
        "files": dict(files),
        "to_be_told": gone.to_be_told,
        "without_remnants": gone.without_remnants,
    }
    text = f"Erased. {gone.to_be_told} recipients are to be told: `utskick rights tellings`."
    answer(told, text, as_json=json)


@rights.command
def extend(
    request: RequestNumber,
    *,
    reason: Annotated[str, Parameter(help="Why it takes longer; the person has to be told.")],
    months: Annotated[int, Parameter(validator=IN_RANGE, help="One or two.")] = deadlines.EXTENSION_MONTHS,
    json: Json = False,
) -> None:
    """Lengthen the time for an answer, once, within its first month."""
    installation = opened()
    zone = installation.settings.time_zone
    until = requests.extend(installation.engine, request, reason, operator(), months=months, time_zone=zone)
    text = f"Request {request} is to be answered by {until}. Tell the person, and why."
    answer({"request": request, "due_on": until.isoformat()}, text, as_json=json)


@rights.command
def refuse(
    request: RequestNumber,
    *,
    ground: Annotated[str, Parameter(help="The ground of the law, by its word in docs/rights.md.")],
    reason: Annotated[str, Parameter(help="Why, in this case, in the person's language.")],
    json: Json = False,
) -> None:
    """Refuse a request; prints the answer to the person, with their remedies."""
    letter = requests.refuse(opened().engine, request, Refusal(ground, reason), operator())
    answer({"request": request, "ground": ground, "letter": letter}, letter, as_json=json)


@rights.command
def withdraw(request: RequestNumber, *, json: Json = False) -> None:
    """Close a request that the person took back."""
    requests.withdraw(opened().engine, request, operator())
    answer({"request": request}, f"Request {request} is closed.", as_json=json)


@rights.command
def show(request: RequestNumber, *, json: Json = False) -> None:
    """Show one request: who did what when, and whom others must be told of."""
    with reading(opened().engine) as connection:
        found = listing.show(connection, request)
    answer(found, "\n".join(f"{name}: {value}" for name, value in found.items()), as_json=json)


@rights.command(name="list")
def list_(
    *,
    due: Annotated[
        int | None, Parameter(help="Only those due within so many days, and those overdue.")
    ] = None,
    closed: Annotated[bool, Parameter(negative=(), help="Those that were answered instead.")] = False,
    figures: Annotated[
        int | None, Parameter(validator=IN_RANGE, help="Instead: the numbers of a year.")
    ] = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Show the open requests, the most pressing first."""
    installation = opened()
    zone = installation.settings.time_zone
    today = deadlines.local_day(utc_now(), zone)
    with reading(installation.engine) as connection:
        if figures is not None:
            counted = listing.figures(connection, figures, zone)
            answer(counted, "\n".join(f"{name}: {it}" for name, it in counted.items()), as_json=json)
            return
        by = None if due is None else today + timedelta(days=due)
        rows = listing.requests(connection, closed=closed, due_by=by, limit=limit)
    marked = [{**row, "overdue": not closed and date.fromisoformat(row["due_on"]) < today} for row in rows]
    answer_table({"requests": marked}, marked, as_json=json)


def _who(
    installation: Installation, contact: int | None, address_from: str | None
) -> tuple[int | None, SubjectKey | None]:
    if (contact is None) == (address_from is None):
        raise InputError("name --contact, or --address-from: one of them")
    with reading(installation.engine) as connection:
        if address_from is None:
            return contact, None
        found, key = people.by_address(connection, installation.ring, given.text(address_from))
    return found, SubjectKey("address", installation.ring.current_id("fingerprint"), key)


def _moment(day: str | None, zone: str) -> datetime | None:
    if day is None:
        return None
    try:
        told = date.fromisoformat(day)
    except ValueError:
        raise InputError(f"{day!r} is no day; write YYYY-MM-DD") from None
    return datetime.combine(told, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
