"""Links in messages: asking changes nothing, leaving binds, and a bad link tells nobody why."""

import re

import pytest

from campaigns.tokens import TokenPurpose
from tests.support.register import LIST_ID, LIST_NAME, Register
from tests.web.place import client_for, client_without_database

UNSUBSCRIBE = TokenPurpose.UNSUBSCRIBE
LEFT = ("unsubscribed", "", LIST_ID)
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def path(register: Register, number: int = 1) -> str:
    return f"/u/{register.link(UNSUBSCRIBE, number)}"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_scanner_changes_nothing(register: Register, method: str) -> None:
    before = register.contents()
    answer = client_for(register).request(method, path(register))
    assert answer.status_code in (200, 204)
    assert register.contents() == before


def test_the_question_names_the_list_and_the_address(register: Register) -> None:
    page = client_for(register).get(path(register)).text
    assert LIST_NAME in page
    assert "anna.lind@kund.example" in page
    assert 'method="post"' in page
    assert "<script" not in page


@pytest.mark.parametrize(
    "number,lang,expected", [(1, "", "sv"), (2, "", "fi"), (4, "", "en"), (1, "fi", "fi"), (1, "xx", "sv")]
)
def test_the_language_is_the_persons_unless_they_wish_another(
    register: Register, number: int, lang: str, expected: str
) -> None:
    answer = client_for(register).get(path(register, number), params={"lang": lang} if lang else None)
    assert f'<html lang="{expected}">' in answer.text


@pytest.mark.parametrize(
    "body,content_type",
    [
        (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
         "multipart/form-data; boundary=x"),
        (b"scope=list&lang=sv", "application/x-www-form-urlencoded"),
        (b"", ""),
        (b"\xff\0{", "application/json"),
        (b"--", "multipart/form-data"),
    ],
)  # fmt: skip
def test_any_body_leaves_the_list_and_binds_when_answered(
    register: Register, body: bytes, content_type: str
) -> None:
    answer = client_for(register).post(path(register), content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 200
    assert register.noes() == {LEFT}
    assert register.status() == "unsubscribed"
    assert register.status(2) == "subscribed"


def test_leaving_again_is_answered_alike_and_changes_nothing(register: Register) -> None:
    client = client_for(register)
    client.post(path(register))
    before = {name: rows for name, rows in register.contents().items() if name != "gate"}
    assert client.post(path(register)).status_code == 200
    assert {name: rows for name, rows in register.contents().items() if name != "gate"} == before


def test_no_marketing_at_all(register: Register) -> None:
    answer = client_for(register).post(path(register), data={"scope": "all"})
    assert answer.status_code == 200
    assert ("objection", "", 0) in register.noes()
    assert "Vi skickar" in answer.text or '<html lang="sv">' in answer.text


def test_bad_links_are_one_answer(register: Register) -> None:
    """Flipped, cut, lengthened, of another purpose, under a slash: the same octets, by GET and by POST."""
    good = register.link(UNSUBSCRIBE)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
    flipped = {
        good[:place] + letters[letters.index(good[place]) ^ 1] + good[place + 1 :]
        for place in range(len(good))
    }
    others = {good[:-1], good + "A", good + "/", good + "=", "a/" + good, "x" * 3000, "%00", "å"}
    others |= {register.link(purpose) for purpose in TokenPurpose if purpose is not UNSUBSCRIBE}
    before, client = register.contents(), client_for(register)
    for prefix in ("u", "v"):
        answers = {
            (answer.status_code, answer.content, tuple(sorted(answer.headers.items())))
            for token in (flipped | others) - ({register.link(TokenPurpose.VIEW)} if prefix == "v" else set())
            for answer in (client.get(f"/{prefix}/{token}"),)
        }
        assert len(answers) == 1
        assert next(iter(answers))[0] == 404
    assert {client.post(f"/u/{token}").status_code for token in flipped | others} == {404}
    assert register.contents() == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_database_that_is_away_is_503_and_never_a_yes(register: Register, method: str) -> None:
    answer = client_without_database(register).request(method, path(register))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "<h1>" in answer.text
    assert register.noes() == set()


@pytest.mark.parametrize("method,token", [("GET", "good"), ("POST", "good"), ("GET", "bad")])
def test_pages_load_nothing_from_elsewhere_and_are_kept_by_nobody(
    register: Register, method: str, token: str
) -> None:
    answer = client_for(register).request(method, path(register) if token == "good" else "/u/bad")
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Robots-Tag"].startswith("noindex")
    assert "set-cookie" not in answer.headers
    assert all(
        link.startswith("/a/") for link in re.findall(r'(?:src|rel="\w+" href)="([^"]*)"', answer.text)
    )


def test_no_address_is_ever_redirected(register: Register) -> None:
    client = client_for(register)
    for where in ("/u", "/u/", "/v", "/a/", "/healthz/", "/hooks/generic/post/", "/", path(register) + "/"):
        assert client.get(where).status_code in (404, 405), where


def test_a_list_with_markup_in_its_name_stays_text(register: Register) -> None:
    with register.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE mailing_list SET name = '<script>x</script>'")
    assert "<script" not in client_for(register).get(path(register)).text


def test_the_view_shows_the_message_or_nothing(register: Register) -> None:
    client, before = client_for(register), register.contents()
    answer = client.get(f"/v/{register.link(TokenPurpose.VIEW)}")
    assert answer.text == "<!doctype html><p>Hej</p>"
    policy = answer.headers["Content-Security-Policy"]
    assert "style-src 'unsafe-inline'" in policy
    assert "img-src 'self' https://post.timmero.example" in policy
    gone = client.get(f"/v/{register.link(TokenPurpose.VIEW, 2)}")
    assert (gone.status_code, gone.content) == (404, client.get("/v/bad").content)
    assert register.contents() == before
