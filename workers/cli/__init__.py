"""The command `utskick`: a file per noun."""

from __future__ import annotations

import sys

from cyclopts import App, CycloptsError

from campaigns import __version__
from campaigns.errors import UtskickError
from workers.cli import campaigns, contacts, dkim, feedback, lists, register, run, suppressions
from workers.cli.output import WRONG_USAGE, fail

app = App(
    name="utskick",
    version=__version__,
    help="Send newsletters and customer magazines: every recipient accounted for, every no respected.",
)
for room in (register, lists, contacts, campaigns, suppressions, feedback, dkim, run):
    room.add_to(app)


def main() -> None:
    """Run the command line and leave with its exit code."""
    as_json = "--json" in sys.argv
    try:
        app(exit_on_error=False, print_error=True)
    except CycloptsError:
        sys.exit(WRONG_USAGE)
    except UtskickError as error:
        sys.exit(fail(error, as_json=as_json))
    except KeyboardInterrupt:
        sys.exit(130)
