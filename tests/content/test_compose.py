"""Whole messages: what the standard library reads equals the plain render, for any contact; nothing else is there."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from campaigns.content.compose import Composer, RecipientView, recipient_fields
from campaigns.content.headers import HeaderFault
from campaigns.content.model import CompiledContent
from campaigns.content.render import MissingField, RecipientFault, Renderer, RenderFault
from tests.content.material import HEAD, VIEW, compiled, composer, parsed, parts, shipped, source

NASTY = st.sampled_from(
    ["=", ".", "..", ".\r\n.", "\r\n.\r\n", "\n.\n", "\r.\r", "a\r", "\n", "<b>", "{{ 7*7 }}", "{% for %}", "[[ t ]]",
     "שלום", "👩‍👩‍👧‍👦", "x" * 1200, "å" * 1200, "=_", "--=_11_", "\x00", "\u2028", "\x85", " trailing ", "&amp;", "%s"]
)  # fmt: skip
VALUES = st.one_of(st.text(max_size=40), NASTY, st.builds("{}{}".format, NASTY, NASTY))
NAMES = st.one_of(
    st.just(""), st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029"))
)
EXPECTED = Counter(
    ["From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Language",
     "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"]
)  # fmt: skip


@cache
def content_of(key: str) -> CompiledContent:
    if key != "all":
        return shipped(key)
    shown = "".join(
        f"{{% if {name} %}}<p>{{{{ {name} }}}}</p>{{% endif %}}"
        for name in ("first_name", "last_name", "title", "position", "company", "email", "list_name")
    )
    loop = "{% for name in companies %}{{ loop.index }} {{ name }}{% if not loop.last %}; {% endif %}{% endfor %}"
    plain = re.sub(r"</?p>", "\n", shown)
    subject = "{% if first_name %}{{ first_name }}, {% endif %}nyheter från sågen"
    return compiled(source(f"{shown}{loop}", f".{plain}{loop}\n.\n"), subject=subject)


@cache
def composer_of(key: str) -> tuple[Composer, Renderer]:
    return composer(content_of(key)), Renderer(content_of(key))


@given(
    st.sampled_from(["all", "plain", "newsletter", "magazine"]),
    st.builds(
        VIEW._replace,
        first_name=NAMES,
        last_name=NAMES,
        title=VALUES,
        position=VALUES,
        companies=st.lists(VALUES, max_size=4).map(tuple),
        list_name=NAMES,
    ),
)
@example("all", VIEW._replace(title="a\r", position="\nb", companies=(".\r\n.", "=")))
def test_a_parsed_message_equals_the_plain_render(key: str, view: RecipientView) -> None:
    composer, renderer = composer_of(key)
    assume(view.list_name.strip())
    message = composer.compose(view)
    shown = recipient_fields(view)

    text, html = parts(message)
    assert text == renderer.text(shown)
    assert html == renderer.html(shown)
    read = parsed(message)
    assert Counter(read.keys()) == EXPECTED
    assert [address.addr_spec for address in read["To"].addresses] == [view.address]
    subject = renderer.subject(shown)
    if " ".join(subject.split()) == subject:
        assert read["Subject"] == subject

    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", message)
    head, _, body = message.partition(b"\r\n\r\n")
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert all(len(line) <= 76 for line in body.split(b"\r\n"))
    assert not any(line.startswith(b".") for line in message.split(b"\r\n"))
    assert message.endswith(b"--\r\n")


def test_the_headers_of_a_message() -> None:
    read = parsed(composer_of("plain")[0].compose(VIEW))
    assert read["From"] == "Från sågen <news@mail.timmero.example>"
    assert read["To"] == "Åsa Näslund <asa@kund.example>"
    assert read["Reply-To"] == "helmi@timmero.example"
    assert read["Date"] == "Tue, 24 Nov 2026 07:05:09 +0000"
    assert read["Message-ID"] == VIEW.message_id
    assert read["List-Id"] == '"Nyheter" <news.mail.timmero.example>'
    assert read["List-Unsubscribe"] == f"<{VIEW.unsubscribe_url}>, <{VIEW.unsubscribe_mailto}>"
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read["Content-Language"] == "sv"
    assert read.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]
    assert all(part["Content-Transfer-Encoding"] == "quoted-printable" for part in read.iter_parts())
    assert not read.defects


def test_the_same_recipient_gives_the_same_octets_and_another_a_boundary_of_its_own() -> None:
    composer, _ = composer_of("plain")
    assert composer.compose(VIEW) == composer.compose(VIEW)
    other = composer.compose(VIEW._replace(message_id="<k2.abc@mail.timmero.example>"))
    assert parsed(other).get_boundary() != parsed(composer.compose(VIEW)).get_boundary()


def test_a_value_that_copies_the_boundary_does_not_break_the_message() -> None:
    composer, renderer = composer_of("all")
    boundary = parsed(composer.compose(VIEW)).get_boundary()
    view = VIEW._replace(position=f"\r\n--{boundary}\r\n\r\nX\r\n--{boundary}--\r\n")
    text, html = parts(composer.compose(view))
    assert (text, html) == (renderer.text(recipient_fields(view)), renderer.html(recipient_fields(view)))


def _canary(number: int) -> RecipientView:
    """A view whose every field holds the number."""
    mark = f"canary{number}"
    links = {
        name: f"https://m.example/{name}/{mark}"
        for name in ("unsubscribe_url", "preferences_url", "view_url")
    }
    texts = dict.fromkeys(("first_name", "last_name", "title", "position", "list_name", "source"), mark)
    view = RecipientView(
        address=f"{mark}@kund.example",
        companies=(mark, f"{mark} Ab"),
        list_id=f"{mark}.m.example",
        message_id=f"<{mark}@m.example>",
        unsubscribe_mailto=f"mailto:{mark}@m.example",
        **links,
        **texts,
    )
    assert all(mark in str(getattr(view, name)) for name in view._fields)
    return view


def test_no_message_holds_anything_of_another_recipient() -> None:
    composer, _ = composer_of("all")
    views = [_canary(number) for number in range(100, 200)]
    for number, view in enumerate(views, start=100):
        text, html = parts(message := composer.compose(view))
        found = set(re.findall(r"canary(\d+)", message.decode() + text + html))
        assert found == {str(number)}


@pytest.mark.parametrize(
    "change",
    [
        {"first_name": "Eva\r\nBcc: x@y.example"},
        {"last_name": "\x00"},
        {"address": "a@b.example, c@d.example"},
        {"address": "å@b.example"},
        {"message_id": "no-brackets@b.example"},
        {"list_name": "News\nX: y"},
        {"list_id": "news"},
        {"unsubscribe_url": "https://m.example/u/\r\nX: y"},
        {"unsubscribe_mailto": "https://m.example/u"},
    ],
)
def test_a_header_that_cannot_be_is_the_fault_of_that_recipient(change: dict[str, Any]) -> None:
    with pytest.raises(HeaderFault):
        composer_of("plain")[0].compose(VIEW._replace(**change))


def test_a_printed_field_that_is_blank_is_missing() -> None:
    strict = composer(compiled(source("{{ first_name }}")))
    assert b"=C3=85sa" in strict.compose(VIEW)
    for blank in ("", "   "):
        with pytest.raises(MissingField, match="first_name"):
            strict.compose(VIEW._replace(first_name=blank))


def test_a_subject_that_comes_out_blank_is_refused() -> None:
    with pytest.raises(HeaderFault):
        composer(compiled(source(), subject="{% if title %}{{ title }}{% endif %}")).compose(VIEW)


def test_a_template_that_fails_on_a_value_concerns_one_recipient_and_quotes_nothing() -> None:
    failing = composer(compiled(source("{{ first_name | round }}")))
    with pytest.raises(RecipientFault) as caught:
        failing.compose(VIEW._replace(first_name="Confidential"))
    assert "Confidential" not in str(caught.value)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(RenderFault, match="not valid Unicode"):
        composer_of("all")[0].compose(VIEW._replace(position="\ud800"))


def test_the_web_page_has_no_link_to_itself() -> None:
    page = composer_of("plain")[0].html(VIEW)
    assert VIEW.view_url not in page
    assert VIEW.unsubscribe_url in page
    assert page.startswith("<!doctype html>")


def test_optional_headers_may_be_left_out_and_constant_ones_added() -> None:
    head = replace(HEAD, reply_to=None, feedback_id=None, extra_headers=(("X-Campaign", "autumn"),))
    read = parsed(Composer(content_of("plain"), head).compose(VIEW._replace(unsubscribe_mailto=None)))
    assert read["Reply-To"] is None
    assert read["Feedback-ID"] is None
    assert read["X-Campaign"] == "autumn"
    assert read["List-Unsubscribe"] == f"<{VIEW.unsubscribe_url}>"


@pytest.mark.parametrize(
    "extra",
    [
        (("Bcc", "x@y.example"),),
        (("subject", "x"),),
        (("X-A", "1"), ("x-a", "2")),
        (("X:", "1"),),
        (("X-A", "ä"),),
    ],
)
def test_extra_headers_cannot_repeat_or_break(extra: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(HeaderFault):
        Composer(content_of("plain"), replace(HEAD, extra_headers=extra))
