"""Surveys: what is asked, who has answered, and what was answered.

Who has answered and what was answered stand apart: an answer carries neither a contact nor a time, and a number that is
drawn, so that nothing leads from the one to the other. Only where the survey says so is the answer the contact's.
"""

from __future__ import annotations

import sqlalchemy as sa

from campaigns.store.columns import BigId, Instant, Json, personal, required
from campaigns.store.data_map import RESEARCH, Record, nobody
from campaigns.store.metadata import metadata

survey = sa.Table(
    "survey",
    metadata,
    required("id", BigId, primary_key=True),
    required("key", sa.Text, unique=True),
    required("form", Json),
    required("identified", sa.Boolean),
    sa.Column("list_id", BigId),
    required("closes_at", Instant),
    required("created_at", Instant),
    required("created_by", sa.Text),
    info=nobody("what is asked, not what is answered", "key", "form", "created_by"),
)

survey_taken = sa.Table(
    "survey_taken",
    metadata,
    required("survey_id", BigId, primary_key=True, autoincrement=False),
    required("contact_id", BigId, primary_key=True, autoincrement=False),
    sa.Index("ix_survey_taken_contact", "contact_id"),
    info=Record(
        kind="survey answered",
        subject="contact",
        category="opinions",
        purposes=RESEARCH,
        retention="feedback",
        reach="contact_id",
        erasure="delete",
        keys=("contact_id", "survey_id"),
    ).info,
)

# Without SQLite's own row numbers, which would tell in which order the answers came.
survey_answer = sa.Table(
    "survey_answer",
    metadata,
    required("id", sa.Text, primary_key=True),
    required("survey_id", BigId),
    sa.Column("contact_id", BigId),
    personal("answers", Json, given=True, nullable=False),
    sa.Index("ix_survey_answer_contact", "contact_id"),
    sa.Index("ix_survey_answer_survey", "survey_id"),
    info=Record(
        kind="survey answer",
        subject="contact",
        category="opinions",
        purposes=RESEARCH,
        retention="feedback",
        reach="contact_id",
        erasure="delete",
        keys=("id", "contact_id", "survey_id"),
    ).info,
    sqlite_with_rowid=False,
)
