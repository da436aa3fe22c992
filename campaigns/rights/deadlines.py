"""Until when a request has to be answered (GDPR Art. 12(3)): months of the calendar, in local days.

Promise: a period of months ends on the day of the same number, or on the last day of a shorter month (Regulation
1182/71, Art. 3(2)(c)); it is never lengthened over a weekend. Pure.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

ANSWER_MONTHS: Final = 1
#: At most so many months more, said within the first.
EXTENSION_MONTHS: Final = 2
HOME: Final = "Europe/Helsinki"


def months_after(day: date, months: int) -> date:
    """The day so many calendar months later."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def local_day(instant: datetime, time_zone: str = HOME) -> date:
    """The day of an instant where we are."""
    return instant.astimezone(ZoneInfo(time_zone)).date()


def due_on(received_at: datetime, time_zone: str = HOME) -> date:
    """The last day for an answer."""
    return months_after(local_day(received_at, time_zone), ANSWER_MONTHS)


def latest_extension(received_at: datetime, months: int, time_zone: str = HOME) -> date:
    """The last day for an answer after an extension by so many months."""
    return months_after(local_day(received_at, time_zone), ANSWER_MONTHS + months)
