"""The page that tells other languages how to submit is followed to the letter, by a client that knows only Redis."""

import json
import re
import time
import tomllib
import uuid
from pathlib import Path

import redis

from tests.acceptance.place import assert_closed, made_place
from tests.acceptance.test_recipe import NEWSLETTER, prepare
from tests.architecture.tree import ROOT
from tests.support.smtp_sink import SmtpSink

PAGE = (ROOT / "docs" / "submitting.md").read_text()
PEOPLE = 60


def written(document: dict[str, object], identity: str) -> list[list[str]]:
    """The commands of the page, with its placeholders filled in."""
    commands, message = re.findall(r"```(?:json)?\n((?:HSET|\{).*?)```", PAGE, re.DOTALL)
    filled = json.loads(message.replace("{…}", "null").replace('"ID"', f'"{identity}"'))
    assert filled["args"] == [None]
    filled |= {"args": [document], "message_timestamp": int(time.time() * 1000)}
    values = {"ID": identity, "MESSAGE": json.dumps(filled, ensure_ascii=False)}
    return [[values.get(word, word) for word in line.split()] for line in commands.strip().splitlines()]


def test_two_writes_to_redis_are_a_submission(
    tmp_path: Path, empty_postgres_url: str, redis_url: str
) -> None:
    document = json.loads(json.dumps(tomllib.loads(NEWSLETTER.read_text()), default=str))
    document["campaign"]["lists"] = ["news"]
    document["submission_id"] = "from-elsewhere"
    with SmtpSink() as sink:
        settings = {
            "smarthost": f"smtp://127.0.0.1:{sink.port}",
            "database_url": empty_postgres_url,
            "redis_url": redis_url,
        }
        with made_place(tmp_path / "p", **settings) as place:
            prepare(place)
            place.start("worker", "--threads", "2")
            with redis.Redis.from_url(redis_url) as client:
                for _ in range(2):  # arriving twice, it is one campaign
                    for command in written(document, str(uuid.uuid4())):
                        client.execute_command(*command)
            shown = place.completed(1)
            assert_closed(shown)
            assert (shown["submission_id"], shown["accepted"]) == ("from-elsewhere", PEOPLE)
            assert [item["id"] for item in place.campaigns()] == [1]
