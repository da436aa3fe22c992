"""Everything in one process group: the embedded queue, a worker, the scheduler, the web, the inbound listener.

Promise: a child that dies is replaced, and its code logged; all end with the parent, on SIGTERM in order,
on SIGKILL by the kernel's word. The queue's server is ended last.
"""

from __future__ import annotations

import structlog

from workers.broker import connected
from workers.children import start_utskick
from workers.settings import Settings
from workers.stopping import StopFlag
from workers.wiring import Installation

log = structlog.get_logger()

_LOOK_SECONDS = 1.0


def run_all(settings: Settings, *, threads: int, host: str, ports: tuple[int, int]) -> None:
    """Run until told to stop.

    Raises:
        KeysFault, Unreachable: it cannot start.
    """
    stop = StopFlag()
    stop.listen()
    Installation(settings).ring  # noqa: B018 (refuse foreign keys before anything runs)
    web_port, inbound_port = ports
    commands = [
        ["worker", "--threads", str(threads)],
        ["scheduler"],
        ["web", "--host", host, "--port", str(web_port)],
        ["inbound", "--host", host, "--port", str(inbound_port)],
    ]
    if settings.mailboxes:
        commands.append(["mailbox", "run"])
    with connected(settings):
        children = [start_utskick(*command) for command in commands]
        log.info("up", web=f"http://{host}:{web_port}", inbound=f"{host}:{inbound_port}")
        while not stop.wait(_LOOK_SECONDS):
            for index, child in enumerate(children):
                if child.poll() is not None:
                    log.error("process died", command=commands[index][0], code=child.returncode)
                    children[index] = start_utskick(*commands[index])
        for child in children:
            child.terminate()
        for child in children:
            child.wait()
