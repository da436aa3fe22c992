"""A real Postfix for tests: Debian's, with a configuration folder and queue of its own, on loopback, without DNS."""

import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import start_tied, stop, wait_until

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
myhostname = relay.example
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtp_host_lookup = native
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_client_connection_rate_limit = 0
transport_maps = texthash:{folder}/config/transport
default_transport = error:5.1.2 no such domain here
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
maximal_queue_lifetime = {lifetime}s
bounce_queue_lifetime = 30s
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A running server: its folder and the port on which it takes mail."""

    folder: Path
    port: int

    @property
    def log(self) -> str:
        """What it logged."""
        file = self.folder / "maillog"
        return file.read_text(errors="replace") if file.exists() else ""


@contextmanager
def running_postfix(transports: Mapping[str, str], lifetime: int = 3) -> Iterator[Postfix]:
    """Start a server (as root) that hands the mail of each domain to its transport, and everything else to nobody.
    `lifetime` is how long it tries, in seconds. Everything ends and is gone when the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="upfx-", dir="/tmp"))
    try:
        postfix = Postfix(folder, _free_port())
        _configure(postfix, transports, lifetime)
        output = folder / "output"
        child = start_tied(["/usr/sbin/postfix", "-c", str(folder / "config"), "start-fg"], output)
        try:
            wait_until(lambda: _listens(postfix.port), child, output)
            yield postfix
        finally:
            command = ["/usr/sbin/postfix", "-c", str(folder / "config"), "stop"]
            subprocess.run(command, check=False, capture_output=True, timeout=30)
            stop(child, signal.SIGTERM)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(postfix: Postfix, transports: Mapping[str, str], lifetime: int) -> None:
    folder = postfix.folder
    folder.chmod(0o755)
    for name in ("config", "queue", "data"):
        (folder / name).mkdir(mode=0o755)
    owner = pwd.getpwnam("postfix")
    shutil.chown(folder / "data", owner.pw_uid, owner.pw_gid)
    config = folder / "config"
    (config / "main.cf").write_text(MAIN.format(folder=folder, lifetime=lifetime))
    (config / "master.cf").write_text(MASTER.format(port=postfix.port))
    lines = [f"{domain} {transport}\n" for domain, transport in transports.items()]
    (config / "transport").write_text("".join(lines))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
