"""Joining a list by its form, with the real processes: form, mail, link, confirmation, the next campaign; and a mail
that comes back."""

import http.client
import json
import quopri
import re
from pathlib import Path
from urllib.parse import urlencode

from tests.acceptance.place import Place, made_place
from tests.acceptance.test_recipe import NEWSLETTER, submit
from tests.feedback.reports import report
from tests.inbound.dialogue import Dialogue
from tests.support.smtp_sink import Answer, Received, Rule, Script, SmtpSink

NEW, DEAD = "ny.person@kund.example", "borta@kund.example"
GONE = Rule("mail", Answer(b"421 4.3.2 shutting down\r\n", cut=True))


def test_the_form_leads_to_the_next_campaign(tmp_path: Path, postgres_url: str, redis_url: str) -> None:
    with SmtpSink(Script(rules=[GONE])) as gone, SmtpSink() as sink:
        settings = {
            "smarthost": f"smtp://127.0.0.1:{gone.port}",
            "smarthosts__backup__url": f"smtp://127.0.0.1:{sink.port}",
            "database_url": postgres_url,
            "redis_url": redis_url,
        }
        with made_place(tmp_path / "p", **settings) as place:
            open_the_list(place)
            place.ask("init")
            place.ask("lists", "add", "news", "--kind", "newsletter", "--name", "News")
            for command in (("web", "--port", "0"), ("inbound", "--port", "0"), ("worker",)):
                place.start(*command)
            web, inbound = (port(place, entrance) for entrance in ("web", "inbound"))
            letters = [joined(place, web, sink, address) for address in (NEW, DEAD)]
            assert "MAIL FROM" in b"".join(gone.lines).decode(), "the first smarthost was asked first"
            with Dialogue(inbound, "LHLO") as client:
                bounce = report(letters[1].sender, recipient=DEAD)
                assert client.hand_in(letters[1].sender, bounce).startswith("250")
            assert [confirmed(web, letter) for letter in letters] == [200, 404]
            submit(place, NEWSLETTER, "first", "news")
            shown = place.completed(1)
            assert (shown["recipients"], shown["accepted"]) == (1, 1)
            assert [message.recipient for message in sink.messages] == [NEW, DEAD, NEW]
            said = place.log.read_text("utf-8")
            assert NEW not in said
            assert DEAD not in said
            assert place.ask("suppressions", "check", DEAD)["suppressions"] == []


def open_the_list(place: Place) -> None:
    """The settings of somebody who offers the list by a form, and has two smarthosts."""
    file = place.folder / "utskick.toml"
    text = file.read_text("utf-8").replace('smarthost = "main"  ', 'smarthost = ["main", "backup"]  ')
    assert '["main", "backup"]  ' in text
    file.write_text(text + '\n[opt_in]\nlists = ["news"]\n', "utf-8")


def port(place: Place, entrance: str) -> int:
    """Where an entrance listens."""

    def found() -> int:
        lines = place.log.read_text("utf-8").splitlines()
        said = [line for line in lines if f'"{entrance} started"' in line and line.endswith("}")]
        return int(json.loads(said[0])["port"]) if said else 0

    place.wait(lambda: found() > 0, f"{entrance} to listen")
    return found()


def joined(place: Place, web: int, sink: SmtpSink, address: str) -> Received:
    """Ask for a list in somebody's name; the mail that they get."""
    before = len(sink.messages)
    assert post(web, "/s/news", {"email": address, "agree": "on", "lang": "sv"}) == 200
    place.wait(lambda: len(sink.messages) > before, f"mail {before + 1}", 30)
    assert sink.messages[-1].recipient == address
    return sink.messages[-1]


def confirmed(web: int, letter: Received) -> int:
    """Press the button behind the link of a mail."""
    found = re.search(r"https?://[^\s/]+(/c/[\w-]+)", quopri.decodestring(letter.content).decode())
    assert found is not None
    return post(web, found[1], {})


def post(web: int, path: str, form: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", web, timeout=30)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", path, urlencode(form), headers)
    status = connection.getresponse().status
    connection.close()
    return status
