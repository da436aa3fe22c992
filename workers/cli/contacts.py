"""`utskick contacts`: show, correct, merge and export people; `workers.cli.intake` imports them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from campaigns.errors import InputError
from campaigns.register import contacts as register
from campaigns.store.engine import reading, writing
from workers.cli.output import Json, answer, answer_record, answer_table, record
from workers.cli.words import IN_RANGE, Address, ContactNumber, Limit, SourceKind
from workers.wiring import opened, operator

contacts = App(name="contacts")
Source = Annotated[str, Parameter(help="Where it is known from.")]
Proof = Annotated[str, Parameter(help="What proves it, e.g. letter of 2026-11-12.")]

contacts.command(
    "workers.cli.intake:take",
    name="import",
    help="Import a table of contacts. Nobody who said no is revived; the same file again changes nothing.",
)


@contacts.command
def show(contact: ContactNumber, *, json: Json = False) -> None:
    """Show what is held on one contact."""
    with writing(opened().engine) as connection:
        found = register.look_up(connection, contact, operator())
    answer_record(found, as_json=json)


@contacts.command
def edit(
    contact: ContactNumber,
    *values: Annotated[str, Parameter(help="FIELD=VALUE; nothing after the sign empties the field.")],
    source: Source = "the person",
    source_class: SourceKind = "person",
    evidence: Proof,
    json: Json = False,
) -> None:
    """Correct what is held on a contact; when it ends with 0, nothing goes to an old address any more."""
    from campaigns.register.corrections import Correction
    from campaigns.register.permit import answering_a_no
    from campaigns.rights.rectification import correct

    installation = opened()
    wanted = dict(_assignment(value) for value in values)
    correction = Correction(wanted, source, source_class, evidence)
    with answering_a_no(installation.engine) as connection:
        changed = correct(connection, installation.ring, contact, correction, operator())
    text = f"Corrected: {', '.join(changed)}." if changed else "Stood so already."
    answer({"contact": contact, "changed": list(changed)}, text, as_json=json)


@contacts.command
def merge(
    kept: Annotated[int, Parameter(validator=IN_RANGE, help="The number of the contact that is kept.")],
    other: Annotated[
        int, Parameter(validator=IN_RANGE, help="The number of the one that is the same person.")
    ],
    *,
    evidence: Annotated[str, Parameter(help="How it is known that they are one person.")],
    dry_run: Annotated[bool, Parameter(negative=(), help="Say what would happen, change nothing.")] = False,
    json: Json = False,
) -> None:
    """Merge two contacts that are one person. A no of either stands for both; `contacts split` takes it back."""
    from campaigns.delivery import one_person
    from campaigns.register.merging import Pair

    installation = opened()
    done = one_person.merge(
        installation.engine, installation.ring, Pair(kept, other), evidence, operator(), dry_run=dry_run
    )
    verb = "would be" if dry_run else "is"
    lines = [f"Contact {other} {verb} merged into contact {kept}."]
    lines.append(record({**done.got, "withheld": done.withheld}))
    answer(done.told(), "\n".join(lines).rstrip(), as_json=json)


@contacts.command
def split(
    contact: ContactNumber,
    *values: Annotated[str, Parameter(help="FIELD=VALUE of the new contact; none for undoing a merge.")],
    evidence: Annotated[str, Parameter(help="How it is known that they are two people.")],
    source: Annotated[str, Parameter(help="Where the new contact's data is known from.")] = "the person",
    source_class: SourceKind = "person",
    json: Json = False,
) -> None:
    """Make two of what was wrongly one: undo the merge of a contact, or split a new contact off one.

    What either forbade stays forbidden for both.
    """
    from campaigns.register import merging, parting
    from campaigns.register.corrections import Correction
    from campaigns.register.permit import answering_a_no

    installation = opened()
    correction = Correction(dict(map(_assignment, values)), source, source_class, evidence)
    with answering_a_no(installation.engine) as connection:
        if values:
            parted = parting.split_off(connection, installation.ring, contact, correction, operator())
            text = f"Contact {parted['new']} was split off contact {contact}."
        else:
            parted = merging.part(connection, installation.ring, contact, evidence, operator())
            text = f"Contact {contact} is a person of its own again, apart from contact {parted['kept']}."
    answer({"contact": contact, **parted}, text, as_json=json)


@contacts.command
def duplicates(*, limit: Limit = 100, json: Json = False) -> None:
    """Show contacts that are probably one person, and why. Changes nothing."""
    from campaigns.register.duplicates import likely

    with reading(opened().engine) as connection:
        found = likely(connection, limit)
    rows = [{"contacts": list(it.contacts), "reasons": it.reasons} for it in found]
    shown = [{"contacts": "{}, {}".format(*it.contacts), "why": "; ".join(it.reasons)} for it in found]
    if json or not rows:
        answer({"pairs": rows}, "No two contacts look like one person.", as_json=json)
    else:
        answer_table({}, shown, as_json=False)


@contacts.command
def address(
    contact: ContactNumber,
    address: Address,
    *,
    remove: Annotated[bool, Parameter(negative=(), help="Take it away instead.")] = False,
    source: Source = "the person",
    source_class: SourceKind = "person",
    evidence: Proof,
    json: Json = False,
) -> None:
    """Give a contact a further address, which is known and not written to; `edit` chooses the one that is."""
    from campaigns.register import corrections
    from campaigns.register.permit import answering_a_no

    installation = opened()
    correction = corrections.Correction({"email": address}, source, source_class, evidence)
    with answering_a_no(installation.engine) as connection:
        if remove:
            said = (evidence, operator())
            changed = corrections.remove_address(connection, installation.ring, contact, address, said)
        else:
            changed = corrections.add_address(connection, installation.ring, contact, correction, operator())
    text = "Done." if changed else "Stood so already."
    answer({"contact": contact, "changed": changed}, text, as_json=json)


@contacts.command
def position(
    contact: ContactNumber,
    *,
    company: Annotated[str, Parameter(help="The company's name.")] = "",
    business_id: Annotated[str, Parameter(help="The company's business id.")] = "",
    name: Annotated[str, Parameter(help="What the position is called.")] = "",
    since: Annotated[str, Parameter(name="--from", help="Since when, e.g. 2026-11-01.")] = "",
    until: Annotated[str, Parameter(name="--to", help="Until when; the position has ended.")] = "",
    source: Source = "the company",
    source_class: SourceKind = "company",
    evidence: Proof,
    json: Json = False,
) -> None:
    """Say where a contact works, and that it has left a company; a basis by its duties there ends with that."""
    from campaigns.register.corrections import Correction
    from campaigns.register.events import moment
    from campaigns.register.permit import answering_a_no
    from campaigns.register.positions import Held, hold

    installation = opened()
    held = Held(
        company,
        business_id,
        name,
        moment("--from", since) if since else None,
        moment("--to", until) if until else None,
    )
    said = (Correction({}, source, source_class, evidence), operator())
    with answering_a_no(installation.engine) as connection:
        done = hold(connection, installation.ring, contact, held, said)
    ended = ", ".join(done["bases_ended"])
    text = f"Done; the basis by duty for {ended} has ended." if ended else "Done."
    answer(done, text, as_json=json)


@contacts.command
def export(
    file: Annotated[
        Path, Parameter(allow_leading_hyphen=True, help="The file to write; - for standard output.")
    ],
    *,
    to: Annotated[
        str, Parameter(help="Who gets the data: a recipient or processor of the settings, or self.")
    ],
    ground: Annotated[str, Parameter(help="Why they may have it; without it, as the settings say.")] = "",
    list: Annotated[str | None, Parameter(help="Only those subscribed to this list.")] = None,  # noqa: A002 (the option's name)
    format: Annotated[Literal["csv", "jsonl"], Parameter(help="A table, or JSON lines.")] = "csv",  # noqa: A002 (the option's name)
    json: Json = False,
) -> None:
    """Give contacts out, as a table that can be imported again or as JSON lines; logged as a disclosure."""
    from workers.cli.exporting import write_export

    write_export(opened(), file, (to, ground), list, as_table=format == "csv", as_json=json)


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise InputError(f"{text!r}: write FIELD=VALUE")
    return name.strip(), value
