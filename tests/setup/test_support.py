"""What the other tests stand on does what it says."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from tests.support.folders import short_folder
from tests.support.network import OutsideTouchedError, is_local
from tests.support.postgres import dsn, running_server
from tests.support.scratch import fits


def test_each_test_has_an_empty_postgres_of_its_own(empty_postgres_url: str) -> None:
    with psycopg.connect(dsn(empty_postgres_url)) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        version = connection.execute("SHOW server_encoding").fetchone()
    assert tables == (0,)
    assert version == ("UTF8",)


def test_the_server_from_the_wheel_serves_where_none_is_installed() -> None:
    with running_server(from_wheel=True, durable=True) as url, psycopg.connect(dsn(url)) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SELECT lower('ÅÄÖ')").fetchone() == ("åäö",)


def test_the_database_is_asked_for_on_both_engines(database_url: str, request: pytest.FixtureRequest) -> None:
    assert database_url.startswith(("sqlite:///", "postgresql+psycopg://"))
    assert ("sqlite" in request.node.name) == database_url.startswith("sqlite")


def test_redis_is_real_and_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        assert client.eval("return redis.call('set', KEYS[1], 'x')", 1, "left-behind") == b"OK"


def test_redis_is_empty_again(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.get("left-behind") is None


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "printer.localhost", None, b"localhost", "0.0.0.0"]
)
def test_this_machine_is_local(host: object) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "smarthost.example", "localhost.example"]
)
def test_every_other_is_not(host: object) -> None:
    assert not is_local(host)


def test_nothing_leaves_this_machine() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as outward, pytest.raises(OutsideTouchedError):
        outward.connect(("192.0.2.1", 25))
    with pytest.raises(OutsideTouchedError):
        socket.getaddrinfo("smarthost.example", 25)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward, pytest.raises(OutsideTouchedError):
        outward.sendto(b"?", ("192.0.2.1", 53))


def test_the_callers_settings_do_not_reach_us() -> None:
    assert [
        name for name in os.environ if name.startswith("UTSKICK_") and name != "UTSKICK_TEST_DATABASE_URL"
    ] == []


def test_a_long_temporary_directory_still_gives_short_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with short_folder("t") as folder:
        assert len(str(folder / ".s.PGSQL.5432")) < 107
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_started_server_dies_with_its_killed_parent(tmp_path: Path) -> None:
    lifeline = tmp_path / "lifeline"
    os.mkfifo(lifeline)
    program = (
        "import os, pathlib, signal, sys\n"
        "from tests.support.processes import start_tied\n"
        "start_tied(['sh', '-c', 'exec sleep 600 > \"$0\"', sys.argv[1]], pathlib.Path(sys.argv[1] + '.log'))\n"
        "sys.stdin.read()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(lifeline)], stdin=subprocess.PIPE)
    with lifeline.open("rb") as held_by_the_child:
        parent.communicate()
        assert parent.returncode == -signal.SIGKILL
        assert held_by_the_child.read() == b""


def test_the_run_lies_in_memory_only_where_there_is_room(tmp_path: Path) -> None:
    assert fits(tmp_path, room=1 << 20)
    assert not fits(tmp_path, room=1 << 60)
    assert not fits(tmp_path / "none")
    assert not fits(Path("/proc"), room=1 << 20)
