"""Logs: one JSON object a line on standard error, ids only; ours and the libraries' alike.

Promise: no line holds an address: our own events name ids, and whatever looks like an address in the words of
a library or an error is blotted out before it is written. Libraries are heard from warnings on.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_ADDRESS: Final = re.compile(r"[^\s\"'<>()\[\]{},;:=\\/]+@[^\s\"'<>()\[\]{},;:=\\/]+")
BLOT: Final = "<address>"


def set_up_logs(*, quiet: bool = False) -> None:
    """Set up logging for this process; `quiet` keeps to warnings."""
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*common, _as_line],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if quiet else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_line],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


_JSON: Final = structlog.processors.JSONRenderer(ensure_ascii=False)


def _as_line(logger: WrappedLogger, name: str, event: EventDict) -> str:
    line: Any = _JSON(logger, name, event)
    return _ADDRESS.sub(BLOT, line if isinstance(line, str) else line.decode())
