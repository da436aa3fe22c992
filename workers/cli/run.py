"""`utskick worker`, `scheduler`, `web`, `inbound`, `up`: the processes that run.

Each runs until it is told to stop (SIGTERM, Ctrl-C) and then ends in order with 0. Logs: JSON lines on standard error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.types import Port, PositiveInt

from workers.cli.output import Json, answer

if TYPE_CHECKING:
    from workers.settings import Settings

Queues = Annotated[
    tuple[Literal["submissions", "expansions", "deliveries"], ...],
    Parameter(
        consume_multiple=True, negative=(), help="Work on these queues only; without it, on all of them."
    ),
]
Processes = Annotated[PositiveInt, Parameter(help="How many worker processes; one that dies is replaced.")]
Threads = Annotated[
    PositiveInt, Parameter(help="Threads of each worker process; each has one SMTP connection.")
]
Host = Annotated[str, Parameter(help="The address to listen on; 0.0.0.0 for all.")]
ListenPort = Annotated[Port, Parameter(help="The port to listen on.")]


def add_to(app: App) -> None:
    """Add this file's commands."""
    for command in (worker, scheduler, web, inbound, up):
        app.command(command)


def worker(
    *, processes: Processes = 1, threads: Threads = 4, queues: Queues = (), json: Json = False
) -> None:
    """Take submissions, expand campaigns, hand messages over. Any number may run, on any number of machines."""
    from workers.worker import run_processes, run_worker

    def run(settings: Settings) -> None:
        if processes > 1:
            chosen = ["--queues", *queues] if queues else []
            run_processes(settings, ["worker", "--threads", str(threads), *chosen], processes)
        else:
            run_worker(settings, threads, queues)

    _run("worker", run, as_json=json)


def scheduler(*, json: Json = False) -> None:
    """Put back on the queues what is due, lost or expired; hands nothing over. Any number may run, one leads."""
    from workers.scheduler import run_scheduler

    _run("scheduler", run_scheduler, as_json=json)


def web(*, host: Host = "127.0.0.1", port: ListenPort = 8025, json: Json = False) -> None:
    """Serve unsubscribe links, pictures, the view in the browser, webhooks. Put a proxy with TLS before it."""
    from workers.entrances import run_web

    _run("web", lambda settings: run_web(settings, host, port), as_json=json, sends=False)


def inbound(*, host: Host = "127.0.0.1", port: ListenPort = 8026, json: Json = False) -> None:
    """Listen on SMTP and LMTP for bounces and for unsubscriptions by mail."""
    from workers.entrances import run_inbound

    _run("inbound", lambda settings: run_inbound(settings, host, port), as_json=json, sends=False)


def up(
    *,
    threads: Threads = 4,
    host: Host = "127.0.0.1",
    web_port: Annotated[Port, Parameter(help="Where the web listens.")] = 8025,
    inbound_port: Annotated[Port, Parameter(help="Where the mail entrance listens.")] = 8026,
    json: Json = False,
) -> None:
    """Run everything in one process group: the embedded default."""
    from workers.up import run_all

    def run(settings: Settings) -> None:
        run_all(settings, threads=threads, host=host, ports=(web_port, inbound_port))

    _run("up", run, as_json=json)


def _run(name: str, run: Callable[[Settings], None], *, as_json: bool, sends: bool = True) -> None:
    from workers.logs import set_up_logs
    from workers.settings import load_settings

    set_up_logs()
    run(load_settings(sends=sends))
    if as_json:
        answer({"ended": name}, "", as_json=True)
