"""What an answer means: the first digit decides, the enhanced code explains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.delivery.replies import (
    Cause,
    Reply,
    ReplyClass,
    ReplyFault,
    Stage,
    blames_the_smarthost,
    cause,
    parse_reply,
    reply_class,
)

STAGES: list[Stage] = ["connect", "mail", "rcpt", "data", "dot", "local"]
codes = st.integers(200, 599)
enhanced_codes = st.none() | st.builds(
    "{}.{}.{}".format, st.sampled_from("245"), st.integers(0, 12), st.integers(0, 999)
)


@pytest.mark.parametrize(
    "lines, expected",
    [
        ([b"2.0.0 Ok: queued as 4711"], Reply(250, "2.0.0", "Ok: queued as 4711")),
        ([b"5.1.10"], Reply(250, "5.1.10", "")),
        ([b"Requested action taken"], Reply(250, None, "Requested action taken")),
        ([b""], Reply(250, None, "")),
        ([b"5.1.1 one", b"5.1.1 two"], Reply(250, "5.1.1", "one\ntwo")),
        ([b"one", b"5.1.1 two"], Reply(250, "5.1.1", "one\ntwo")),
        ([b"5.1.1.9 odd"], Reply(250, None, "5.1.1.9 odd")),
        ([b"3.1.1 odd"], Reply(250, None, "3.1.1 odd")),
        ([b"5.1234.1 odd"], Reply(250, None, "5.1234.1 odd")),
        ([b"5.01.1 odd"], Reply(250, None, "5.01.1 odd")),
        ([b"tack \xc3\xb6 \xf6"], Reply(250, None, "tack ö \N{REPLACEMENT CHARACTER}")),
        (
            [b"a\x00b\x1b[31m\tc"],
            Reply(250, None, "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}[31m c"),
        ),
    ],
)
def test_code_and_text_are_told_apart(lines: list[bytes], expected: Reply) -> None:
    assert parse_reply(250, lines) == expected


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=4))
def test_any_text_can_be_stored_and_holds_no_control_characters(lines: list[bytes]) -> None:
    text = parse_reply(550, lines).text
    assert text.encode().decode() == text
    assert not any(character < " " and character != "\n" for character in text)


@pytest.mark.parametrize("stage", STAGES)
@given(code=codes, enhanced=enhanced_codes)
def test_the_first_digit_decides_whatever_the_enhanced_code_says(
    code: int, enhanced: str | None, stage: Stage
) -> None:
    if not (code == 552 and stage == "rcpt"):
        assert reply_class(code, enhanced, stage).value == code // 100


@pytest.mark.parametrize(
    "code, enhanced, stage, expected",
    [
        (552, None, "rcpt", ReplyClass.TRANSIENT),
        (552, "5.5.3", "rcpt", ReplyClass.TRANSIENT),
        (552, "5.2.2", "rcpt", ReplyClass.PERMANENT),
        (552, None, "dot", ReplyClass.PERMANENT),
        (550, "4.1.1", "rcpt", ReplyClass.PERMANENT),
        (451, "5.1.1", "rcpt", ReplyClass.TRANSIENT),
        (354, None, "data", ReplyClass.GO_ON),
        (251, None, "rcpt", ReplyClass.ACCEPTED),
    ],
)
def test_classes(code: int, enhanced: str | None, stage: Stage, expected: ReplyClass) -> None:
    assert reply_class(code, enhanced, stage) is expected


@pytest.mark.parametrize("code", [0, 99, 199, 600, 999])
def test_other_first_digits_are_no_reply(code: int) -> None:
    with pytest.raises(ReplyFault):
        reply_class(code, None, "dot")


@pytest.mark.parametrize(
    "code, enhanced, stage, expected",
    [
        (550, "5.1.1", "rcpt", Cause.ADDRESS_DEAD),
        (550, "5.1.1", "dot", Cause.ADDRESS_DEAD),
        (550, "5.1.2", "rcpt", Cause.ADDRESS_DEAD),
        (553, "5.1.3", "rcpt", Cause.ADDRESS_DEAD),
        (551, "5.1.6", "rcpt", Cause.ADDRESS_DEAD),
        (556, "5.1.10", "rcpt", Cause.ADDRESS_DEAD),
        (550, None, "rcpt", Cause.ADDRESS_DEAD),
        (556, None, "rcpt", Cause.ADDRESS_DEAD),
        (550, None, "dot", Cause.UNKNOWN),
        (550, None, "mail", Cause.UNKNOWN),
        (550, "5.1.1", "mail", Cause.ADDRESS),
        (450, "4.1.1", "rcpt", Cause.ADDRESS),
        (550, "4.1.1", "rcpt", Cause.ADDRESS),
        (450, "5.1.1", "rcpt", Cause.ADDRESS),
        (553, "5.1.8", "rcpt", Cause.SENDER),
        (550, "5.2.1", "rcpt", Cause.MAILBOX_DISABLED),
        (552, "5.2.2", "rcpt", Cause.MAILBOX_FULL),
        (452, "4.2.2", "rcpt", Cause.MAILBOX_FULL),
        (552, "5.3.4", "dot", Cause.TOO_BIG),
        (550, "5.4.4", "rcpt", Cause.ROUTING),
        (503, None, "rcpt", Cause.PROTOCOL),
        (550, "5.6.0", "dot", Cause.CONTENT),
        (550, "5.7.1", "rcpt", Cause.POLICY),
        (550, "5.7.515", "dot", Cause.AUTHENTICATION),
        (550, "5.9.9", "rcpt", Cause.UNKNOWN),
        (None, None, "data", Cause.SYSTEM),
        (554, "5.1.1", "connect", Cause.SYSTEM),
    ],
)
def test_causes(code: int | None, enhanced: str | None, stage: Stage, expected: Cause) -> None:
    assert cause(code, enhanced, stage) is expected


@pytest.mark.parametrize("stage", STAGES)
@given(code=codes, enhanced=enhanced_codes)
def test_only_a_permanent_answer_about_the_address_itself_calls_it_dead(
    code: int, enhanced: str | None, stage: Stage
) -> None:
    if cause(code, enhanced, stage) is Cause.ADDRESS_DEAD:
        assert code // 100 == 5
        assert stage in {"rcpt", "data", "dot"}
        assert enhanced in {None, "5.0.0"} or (enhanced or "").startswith("5.1.")


@pytest.mark.parametrize(
    "code, enhanced, stage, expected",
    [
        (421, None, "rcpt", True),
        (421, "4.2.2", "dot", True),
        (451, "4.7.1", "mail", True),
        (452, "4.3.1", "dot", True),
        (451, "4.3.2", "rcpt", True),
        (451, "4.7.1", "rcpt", False),
        (450, None, "rcpt", False),
        (452, "4.2.2", "dot", False),
    ],
)
def test_whose_fault_a_deferral_is(code: int, enhanced: str | None, stage: Stage, expected: bool) -> None:
    assert blames_the_smarthost(code, enhanced, stage) is expected
