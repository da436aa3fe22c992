"""`utskick campaigns`: submit, list, show, schema; `workers.cli.control` has a person's word on one."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from campaigns.delivery import seeing
from campaigns.errors import InputError
from workers.cli.documents import Assignments, FileName, read_submission
from workers.cli.output import Json, answer, answer_table
from workers.cli.words import CampaignNumber
from workers.settings import load_settings
from workers.wiring import opened, operator, submission_signing

#: The verbs of `workers.cli.control`.
CONTROL = {
    "pause": "Hold a campaign. When this ends with 0, no further message of it begins, on any machine.",
    "resume": "Let a held campaign go on exactly where it was.",
    "start": "Start a campaign now: before its time, or after its start was missed.",
    "cancel": "Give a campaign up for good; what has not been handed over never will be.",
    "settle": "Show the deliveries whose outcome is uncertain, or decide about them.",
    "approve": "Approve a campaign that somebody else submitted; one that waits for it goes on (`[approval]` in the "
    "settings).",
}

campaigns = App(name="campaigns")
for verb, said in CONTROL.items():
    campaigns.command(f"workers.cli.control:{verb}", name=verb, help=said)
campaigns.command(
    "workers.cli.preview:preview",
    name="preview",
    help="Write the messages of a submission as .eml, .html and .txt files, without submitting it. Sends nothing.",
)


@campaigns.command
def submit(
    file: FileName,
    *,
    submission_id: Annotated[str | None, Parameter(help="Its identity, in place of the file's.")] = None,
    assignments: Assignments = (),
    json: Json = False,
) -> None:
    """Put a submission on the queue. What became of it is shown by `campaigns list`."""
    settings = load_settings()
    document = read_submission(file, assignments)
    if submission_id is not None:
        document["submission_id"] = submission_id
    document = submission_signing(settings).signed(document, operator())
    if not isinstance(document.get("submission_id"), str):
        raise InputError("the submission has no submission_id; give one with --submission-id")
    from workers import broker as queue  # when the document is whole: it brings the queue's library along

    with queue.connected(settings) as client:
        broker = queue.make_broker(client)
        queue.put(broker, queue.SUBMISSIONS, "submit_campaign", document)
    result = {"submission_id": document["submission_id"]}
    answer(result, f"Submitted {result['submission_id']}; see `utskick campaigns list`.", as_json=json)


@campaigns.command(name="list")
def show_all(
    *,
    refused: Annotated[bool, Parameter(negative=(), help="Show refused submissions and why.")] = False,
    json: Json = False,
) -> None:
    """Show all campaigns, or the submissions that were refused."""
    installation = opened()
    if refused:
        rows = seeing.list_refused(installation.engine, operator())
        lines = [
            {**row, "faults": "; ".join(f"{fault['where']}: {fault['problem']}" for fault in row["faults"])}
            for row in rows
        ]
        answer_table({"campaigns": rows}, lines, as_json=json)
        return
    rows = seeing.list_campaigns(installation.engine, operator())
    lines = [{name: row[name] for name in _SHOWN} for row in rows]
    answer_table({"campaigns": rows}, lines, as_json=json)


@campaigns.command
def show(
    campaign: CampaignNumber,
    *,
    watch: Annotated[
        bool, Parameter(negative=(), help="Go on until it ends or is held; with --json, a line per second.")
    ] = False,
    json: Json = False,
) -> None:
    """Show the accounts of one campaign."""
    engine, by = opened().engine, operator()
    if watch:
        from workers.cli.watch import watch as keep_watching

        keep_watching(lambda: seeing.show(engine, campaign, by), as_json=json)
        return
    found = seeing.show(engine, campaign, by)
    rows = [{"account": name, "value": value} for name, value in found.items() if name != "withheld"]
    rows += [
        {"account": f"withheld: {reason}", "value": count} for reason, count in found["withheld"].items()
    ]
    if json:
        answer(found, "", as_json=True)
    else:
        answer_table(found, rows, as_json=False)


@campaigns.command
def schema(*, json: Json = False) -> None:  # noqa: ARG001 (the schema is JSON either way)
    """Print the contract of a submission as JSON Schema."""
    from campaigns.planning.submission import json_schema

    answer(json_schema(), "", as_json=True)


#: What fits a terminal of 80 columns; JSON has everything.
_SHOWN = ("id", "key", "edition", "channel", "status", "hold_reason", "send_at")
