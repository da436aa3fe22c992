"""The command `utskick`: a file per noun, imported when one of its commands is called.

Promise: what a command does not need is not imported, so that short commands answer at once (tests/cli).
The verbs that are no noun's (`register`, `run`, `completion`) stand in files that import nothing heavy themselves.
"""

from __future__ import annotations

import gc
import re
import sys
from typing import Final

from cyclopts import App, CycloptsError

from campaigns import __version__
from campaigns.errors import InputError, UtskickError
from workers.cli import completion, register, run
from workers.cli.output import fail, fail_stopped, fail_usage, flush, give_up_output, write_anything
from workers.faults import place_of

#: Each noun: the App of that name in the module of that name, and its help.
NOUNS = {
    "lists": "The mailing lists.",
    "contacts": "The people in the register.",
    "events": "What happened with contacts and companies.",
    "segments": "Whom campaigns are for.",
    "surveys": "What people are asked, and what they answered.",
    "campaigns": "Ask for campaigns and see what became of them.",
    "schedules": "Campaigns that come again and again.",
    "suppressions": "Who must not be written to.",
    "feedback": "Bounces and other mail that came back.",
    "mailbox": "Read bounces and replies from mailboxes by IMAP.",
    "rights": "What people ask for in their own right: access, erasure and the others.",
    "retention": "Let go of what has been kept long enough.",
    "notice": "The register's privacy notice and its record of processing.",
    "dkim": "Sign our mail ourselves.",
    "accounts": "The people and services that may do something here.",
    "tokens": "What programs prove themselves with.",
    "audit": "Who did what, and whether the log of it is what it was.",
}
#: The verbs of `workers.cli.halting`.
HALTING = {"halt": "Stop everything, on all machines.", "go": "End a halt, also that of a restored backup."}

#: The verbs of `workers.cli.keeping`.
KEEPING = {
    "backup": ("backup", "Copy the register as it is at one moment."),
    "restore": ("restore_from", "Put a backup back; everything is halted then."),
}

app = App(
    name="utskick",
    version=__version__,
    suppress_keyboard_interrupt=False,
    help="Send newsletters and customer magazines: every recipient accounted for, every no respected.",
)
register.add_to(app)
for noun, said in NOUNS.items():
    app.command(f"workers.cli.{noun}:{noun}", name=noun, help=said)
for verb, said in HALTING.items():
    app.command(f"workers.cli.halting:{verb}", name=verb, help=said)
for verb, (function, said) in KEEPING.items():
    app.command(f"workers.cli.keeping:{function}", name=verb, help=said)
app.command(
    "workers.cli.login:login", name="login", help="Prove who you are; makes a token file for some hours."
)
run.add_to(app)
completion.add_to(app)


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Imports make many objects and no garbage; looking for it after every 700 takes a tenth of a short command's time.
    gc.set_threshold(50_000, 20, 20)
    write_anything()
    try:
        try:
            _run(as_json="--json" in sys.argv)
        finally:
            flush()
    except OSError as error:
        sys.exit(give_up_output(error))


def _run(*, as_json: bool) -> None:
    """Run a command; what goes wrong is told, only errors of standard output are raised."""
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=False)
    except CycloptsError as error:
        sys.exit(fail_usage(error, as_json=as_json))
    except UtskickError as error:
        sys.exit(fail(error, as_json=as_json))
    except KeyboardInterrupt as stop:
        sys.exit(fail_stopped(stop, as_json=as_json))
    except BrokenPipeError:
        raise
    except OSError as error:
        flush()  # raises where it is standard output that fails
        sys.exit(fail(InputError(f"{error.filename or 'the system'}: {error.strerror}"), as_json=as_json))
    except Exception as error:  # noqa: BLE001 (nobody is above to catch it)
        sys.exit(fail(_unforeseen(error), as_json=as_json))


def _unforeseen(error: Exception) -> UtskickError:
    if isinstance(error, UnicodeEncodeError) and any(map(_NO_TEXT.search, sys.argv)):
        return InputError("an argument is not written in UTF-8; write it so")
    # Its words may hold an address: its class and place are enough to find it by.
    return UtskickError(f"unforeseen, please report: {place_of(error)}")


#: Octets of the command line that are no UTF-8, as Python keeps them.
_NO_TEXT: Final = re.compile("[\udc80-\udcff]")
