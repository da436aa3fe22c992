"""`utskick worker`, `scheduler`, `web`, `inbound`, `up`: the processes that run."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from workers.logs import set_up_logs
from workers.settings import load_settings

Queues = Annotated[tuple[str, ...], Parameter(consume_multiple=True, help="Only these queues.")]


def add_to(app: App) -> None:
    """Add this file's commands."""
    for command in (worker, scheduler, web, inbound, up):
        app.command(command)


def worker(*, processes: int = 1, threads: int = 4, queues: Queues = ()) -> None:
    """Take submissions, expand campaigns, hand messages over; one connection per thread."""
    from workers.worker import run_processes, run_worker

    set_up_logs()
    settings = load_settings()
    if processes > 1:
        chosen = ["--queues", *queues] if queues else []
        run_processes(["worker", "--threads", str(threads), *chosen], processes)
    else:
        run_worker(settings, threads, queues)


def scheduler() -> None:
    """Put back on the queues what is due, lost or expired; hands nothing over."""
    from workers.scheduler import run_scheduler

    set_up_logs()
    run_scheduler(load_settings())


def web(*, host: str = "127.0.0.1", port: int = 8025) -> None:
    """Serve unsubscribe links, pictures, the view in the browser, webhooks."""
    from workers.entrances import run_web

    set_up_logs()
    run_web(load_settings(), host, port)


def inbound(*, host: str = "127.0.0.1", port: int = 8026) -> None:
    """Listen on SMTP and LMTP for bounces and for unsubscriptions by mail."""
    from workers.entrances import run_inbound

    set_up_logs()
    run_inbound(load_settings(), host, port)


def up(*, threads: int = 4, host: str = "127.0.0.1", web_port: int = 8025, inbound_port: int = 8026) -> None:
    """Run everything in one process group: the embedded default."""
    from workers.up import run_all

    set_up_logs()
    run_all(load_settings(), threads=threads, host=host, ports=(web_port, inbound_port))
