"""Arguments that several commands take, each with its help."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter, validators

#: Numbers are given from 1 on, and no database counts beyond eight bytes.
IN_RANGE = validators.Number(gte=1, lt=2**63)

CampaignNumber = Annotated[
    int, Parameter(validator=IN_RANGE, help="Its number, as `utskick campaigns list` shows it.")
]
ContactNumber = Annotated[int, Parameter(validator=IN_RANGE, help="The contact's number in the register.")]
ScheduleNumber = Annotated[
    int, Parameter(validator=IN_RANGE, help="Its number, as `utskick schedules list` shows it.")
]
SuppressionNumber = Annotated[
    int, Parameter(validator=IN_RANGE, help="Its number, as `utskick suppressions check` shows it.")
]
MessageNumber = Annotated[
    int, Parameter(validator=IN_RANGE, help="Its number, as `utskick feedback parked list` shows it.")
]
CaseNumber = Annotated[
    int, Parameter(validator=IN_RANGE, help="Its number, as `utskick feedback cases list` shows it.")
]
ListKey = Annotated[str, Parameter(help="The list's key, as `utskick lists list` shows it.")]
SegmentKey = Annotated[str, Parameter(help="The segment's key: a-z, 0-9, hyphens.")]
Address = Annotated[str, Parameter(help="The e-mail address, in any spelling of it.")]
DkimKey = Annotated[str, Parameter(help="KEY of the settings' table [dkim.KEY].")]
Limit = Annotated[int, Parameter(validator=IN_RANGE, help="At most so many.")]
Basis = Literal["consent", "b2b_role", "soft_opt_in", "contract", "legal_person"]
SourceKind = Annotated[
    Literal["person", "company", "group_company", "partner", "directory", "public_register"],
    Parameter(help="What kind of source that is."),
]
AccountName = Annotated[str, Parameter(help="The account: anna for a person, service:shop for a service.")]
TokenNumber = Annotated[
    int, Parameter(validator=IN_RANGE, help="Its number, as `utskick tokens list` shows it.")
]
