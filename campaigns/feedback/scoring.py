"""Measuring the reader against mail whose meaning somebody has written down. Pure.

Labels are rows with `sample`, `recipient`, `hardbounce` (true or false), `reason`, `feedbacktype` and perhaps `kind`;
several rows of one sample are several recipients, and a row without a recipient says nothing of recipients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from campaigns.feedback.report import Report

Row = Mapping[str, str]


@dataclass
class Score:
    """How well messages were read, and where the reader and the labels disagree."""

    messages: int = 0
    right: int = 0
    wrong: int = 0
    hard_right: int = 0
    hard_wrong: int = 0
    hard_missed: int = 0
    kinds: int = 0
    kinds_right: int = 0
    disagreements: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The figures, in per cent."""
        return {
            "messages": self.messages,
            "right_recipient_percent": _percent(self.right, self.messages),
            "wrong_address_percent": _percent(self.wrong, self.messages),
            "hard_precision_percent": _percent(self.hard_right, self.hard_right + self.hard_wrong),
            "hard_recall_percent": _percent(self.hard_right, self.hard_right + self.hard_missed),
            "kinds_told_apart_percent": _percent(self.kinds_right, self.kinds),
            "disagreements": self.disagreements,
        }


def score(labels: Sequence[Row], reports: Mapping[str, Report]) -> Score:
    """The score of the reports (by sample) against the labels. A sample without a report counts as misread."""
    samples: dict[str, list[Row]] = {}
    for row in labels:
        samples.setdefault(row["sample"], []).append(row)
    found = Score()
    for sample, rows in samples.items():
        _judge(found, sample, rows, reports.get(sample, Report("unreadable")))
    return found


def _judge(found: Score, sample: str, rows: Sequence[Row], report: Report) -> None:
    wanted = {row["recipient"].lower() for row in rows if row["recipient"]}
    got = {item.recipient.lower() for item in report.recipients if item.recipient}
    if any(_stand_in(address) for address in wanted):
        wanted = set()
    if any(row["recipient"] for row in rows):
        found.messages += 1
        found.right += got == wanted
        found.wrong += bool(got - wanted)
        if got != wanted:
            _disagree(found, sample, "recipient", ", ".join(sorted(wanted)), ", ".join(sorted(got)))
    for row in rows:
        if row["recipient"]:
            _judge_hard(found, row, report)
    for expected in _kinds(rows[0]):
        found.kinds += 1
        found.kinds_right += report.kind in expected
        if report.kind not in expected:
            _disagree(found, sample, "kind", " or ".join(sorted(expected)), report.kind)


def _judge_hard(found: Score, row: Row, report: Report) -> None:
    item = next((it for it in report.recipients if it.recipient.lower() == row["recipient"].lower()), None)
    said, hard = (item.kind if item else "nothing"), row.get("hardbounce") == "true"
    found.hard_right += hard and said == "hard"
    found.hard_wrong += not hard and said == "hard"
    found.hard_missed += hard and said != "hard"
    if hard != (said == "hard"):
        why = f"{said} ({item.why})" if item else said
        _disagree(found, row["sample"], "hard", row.get("reason", "") or str(hard), why)


def _kinds(row: Row) -> Iterator[frozenset[str]]:
    """What kinds a message may be called, where its label tells."""
    if row.get("kind"):
        yield frozenset({row["kind"]})
    elif row.get("reason") == "feedback":
        type_ = row.get("feedbacktype", "")
        apart = {"auth-failure": "authentication", "not-spam": "not-spam", "opt-out": "unsubscribe"}
        yield frozenset({apart.get(type_, "complaint")}) | ({"complaint"} if type_ == "opt-out" else set())
    elif row.get("reason") == "vacation":
        yield frozenset({"auto-reply"})
    elif row.get("reason") == "delivered":
        yield frozenset({"delivered"})


def _stand_in(address: str) -> bool:
    """Whether a label stands for an address that the message does not hold."""
    return address.endswith(".invalid")


def _disagree(found: Score, sample: str, about: str, label: str, reader: str) -> None:
    found.disagreements.append({"sample": sample, "about": about, "label": label, "reader": reader})


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None
