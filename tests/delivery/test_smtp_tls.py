"""Nothing secret and no mail without a trusted, encrypted connection."""

import ssl
from base64 import b64encode
from pathlib import Path

import pytest

from campaigns.delivery.smarthost import open_transport, probe
from campaigns.delivery.smarthost_url import ServerUrl, parse_smarthost_url
from campaigns.delivery.transport import Accepted, Deferred, Outcome, Timeouts
from tests.support.certificates import Authority, make_authority
from tests.support.gate import always, clearance_for
from tests.support.letters import make_letter, message_id
from tests.support.smtp_sink import Answer, Rule, Script, SmtpSink

USER, PASSWORD = "utskick@kund.example", "blåbär:/@?#%"
USERINFO = "utskick%40kund.example:bl%C3%A5b%C3%A4r%3A%2F%40%3F%23%25"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def localhost(authority: Authority) -> ssl.SSLContext:
    return authority.server_context("localhost")


def url_of(sink: SmtpSink, authority: Authority, scheme: str = "smtp", userinfo: str = "") -> str:
    return f"{scheme}://{userinfo}localhost:{sink.port}?cafile={authority.cafile}"


def hand_over(url: str) -> Outcome:
    """Hand one letter over to this address and hang up."""
    transport = open_transport(
        parse_smarthost_url(url),
        ehlo_name="utskick.example",
        begun=lambda _: None,
        timeouts=Timeouts(ehlo=20),
    )
    letter = make_letter(1)
    outcome = transport.hand_over(letter, clearance_for(letter), always(letter))
    transport.close()
    return outcome


def assert_nothing_left(sink: SmtpSink, outcome: Outcome) -> None:
    """No mail, no credentials, nobody's attempt spent."""
    assert isinstance(outcome, Deferred)
    assert not outcome.spends_attempt
    assert sink.messages == []
    assert not any(line.upper().startswith((b"MAIL", b"AUTH")) for line in sink.lines)
    secrets = (USER.encode(), PASSWORD.encode(), b64encode(PASSWORD.encode()).rstrip(b"="))
    assert not any(secret in line for line in sink.lines for secret in secrets)


@pytest.mark.parametrize("scheme", ["smtp", "smtps", "lmtp"])
def test_a_trusted_server_takes_mail_over_tls(
    authority: Authority, localhost: ssl.SSLContext, scheme: str
) -> None:
    implicit = localhost if scheme == "smtps" else None
    starttls = None if scheme == "smtps" else localhost
    with SmtpSink(Script(starttls=starttls, implicit=implicit, lmtp=scheme == "lmtp")) as sink:
        assert isinstance(hand_over(url_of(sink, authority, scheme)), Accepted)
        assert [(message.message_id, message.encrypted) for message in sink.messages] == [
            (message_id(make_letter(1)), True)
        ]


def test_what_was_said_before_starttls_is_forgotten_and_asked_again(
    authority: Authority, localhost: ssl.SSLContext
) -> None:
    before = Rule("ehlo", Answer(b"250-sink\r\n250-STARTTLS\r\n250-PIPELINING\r\n250 SIZE 10\r\n"), times=1)
    with SmtpSink(Script(starttls=localhost, rules=[before], pipelining=False)) as sink:
        assert isinstance(hand_over(url_of(sink, authority)), Accepted)
        assert sink.lines[:3] == [b"EHLO utskick.example", b"STARTTLS", b"EHLO utskick.example"]
        assert sink.sessions[0].eager == 0


@pytest.mark.parametrize("mechanisms", [("PLAIN", "LOGIN"), ("CRAM-MD5", "LOGIN"), ("PLAIN",)], ids="-".join)
def test_credentials_go_only_after_tls(
    authority: Authority, localhost: ssl.SSLContext, mechanisms: tuple[str, ...]
) -> None:
    with SmtpSink(Script(starttls=localhost, auth={USER: PASSWORD}, mechanisms=mechanisms)) as sink:
        assert isinstance(hand_over(url_of(sink, authority, userinfo=f"{USERINFO}@")), Accepted)
        lines = sink.lines
        first_secret = next(number for number, line in enumerate(lines) if line.startswith(b"AUTH"))
        assert lines.index(b"STARTTLS") < first_secret < lines.index(b"DATA")


@pytest.mark.parametrize("mechanisms", [("PLAIN",), ("LOGIN",)], ids="-".join)
def test_refused_credentials_send_no_mail_and_blame_no_recipient(
    authority: Authority, localhost: ssl.SSLContext, mechanisms: tuple[str, ...]
) -> None:
    with SmtpSink(Script(starttls=localhost, auth={USER: "another"}, mechanisms=mechanisms)) as sink:
        outcome = hand_over(url_of(sink, authority, userinfo=f"{USERINFO}@"))
        assert isinstance(outcome, Deferred)
        assert (outcome.code, outcome.enhanced, outcome.spends_attempt) == (535, "5.7.8", False)
        assert "user name and password" in outcome.text
        assert not any(line.startswith(b"MAIL") for line in sink.lines)


def test_a_server_without_a_known_mechanism_gets_no_credentials(
    authority: Authority, localhost: ssl.SSLContext
) -> None:
    with SmtpSink(Script(starttls=localhost, auth={USER: PASSWORD}, mechanisms=["XOAUTH2"])) as sink:
        assert_nothing_left(sink, hand_over(url_of(sink, authority, userinfo=f"{USERINFO}@")))


@pytest.mark.parametrize("userinfo", ["", f"{USERINFO}@"], ids=["anonymous", "with credentials"])
class TestNoTrust:
    """Each of these ends before anything worth hiding was said."""

    def test_starttls_stripped(self, authority: Authority, userinfo: str) -> None:
        with SmtpSink(Script(auth={USER: PASSWORD})) as sink:
            outcome = hand_over(url_of(sink, authority, userinfo=userinfo))
            assert_nothing_left(sink, outcome)
            assert isinstance(outcome, Deferred)
            assert "STARTTLS" in outcome.text

    def test_starttls_refused(self, authority: Authority, localhost: ssl.SSLContext, userinfo: str) -> None:
        refusal = Rule("starttls", Answer(b"454 4.7.0 not available\r\n", cut=True))
        with SmtpSink(Script(starttls=localhost, rules=[refusal], auth={USER: PASSWORD})) as sink:
            assert_nothing_left(sink, hand_over(url_of(sink, authority, userinfo=userinfo)))

    def test_plaintext_injected_before_tls(
        self, authority: Authority, localhost: ssl.SSLContext, userinfo: str
    ) -> None:
        injected = Answer(b"220 go\r\n250-sink\r\n250 AUTH PLAIN\r\n235 2.7.0 welcome\r\n")
        with SmtpSink(Script(starttls=localhost, rules=[Rule("starttls", injected)])) as sink:
            assert_nothing_left(sink, hand_over(url_of(sink, authority, userinfo=userinfo)))

    @pytest.mark.parametrize("scheme", ["smtp", "smtps"])
    def test_a_certificate_of_an_unknown_authority(
        self, authority: Authority, tmp_path: Path, userinfo: str, scheme: str
    ) -> None:
        other = make_authority(tmp_path, "Another authority").server_context("localhost")
        script = Script(implicit=other) if scheme == "smtps" else Script(starttls=other)
        with SmtpSink(script) as sink:
            outcome = hand_over(url_of(sink, authority, scheme, userinfo))
            assert_nothing_left(sink, outcome)
            assert isinstance(outcome, Deferred)
            assert "not to be trusted" in outcome.text

    @pytest.mark.parametrize("scheme", ["smtp", "smtps"])
    def test_a_certificate_for_another_host(self, authority: Authority, userinfo: str, scheme: str) -> None:
        other = authority.server_context("mail.annan.example")
        script = Script(implicit=other) if scheme == "smtps" else Script(starttls=other)
        with SmtpSink(script) as sink:
            outcome = hand_over(url_of(sink, authority, scheme, userinfo))
            assert_nothing_left(sink, outcome)
            assert isinstance(outcome, Deferred)
            assert "not to be trusted" in outcome.text

    def test_no_tls_at_all_where_it_was_promised(self, authority: Authority, userinfo: str) -> None:
        with SmtpSink() as sink:
            assert_nothing_left(sink, hand_over(url_of(sink, authority, "smtps", userinfo)))


def test_loopback_needs_no_tls_but_then_takes_no_credentials() -> None:
    with SmtpSink(Script(auth={USER: PASSWORD})) as sink:
        assert isinstance(hand_over(f"smtp://localhost:{sink.port}"), Accepted)
        assert not any(line.startswith(b"AUTH") for line in sink.lines)


def test_credentials_given_apart_demand_tls_on_loopback_too(authority: Authority) -> None:
    with SmtpSink(Script(auth={USER: PASSWORD})) as sink:
        url = parse_smarthost_url(f"smtp://localhost:{sink.port}")
        assert isinstance(url, ServerUrl)
        problem = probe(url.with_credentials(USER, PASSWORD), ehlo_name="utskick.example")
        assert problem is not None
        assert "STARTTLS" in problem
        assert not any(line.startswith(b"AUTH") for line in sink.lines)


def test_a_connection_lost_after_the_dot_is_uncertain_inside_tls_too(
    authority: Authority, localhost: ssl.SSLContext
) -> None:
    with SmtpSink(Script(starttls=localhost, rules=[Rule("dot", Answer(cut=True), times=1)])) as sink:
        outcome = hand_over(url_of(sink, authority))
        assert type(outcome).__name__ == "Uncertain"
        assert len(sink.messages) == 1


def test_probe_finds_a_good_smarthost_good_and_sends_no_mail(
    authority: Authority, localhost: ssl.SSLContext
) -> None:
    with SmtpSink(Script(starttls=localhost, auth={USER: PASSWORD})) as sink:
        url = parse_smarthost_url(url_of(sink, authority, userinfo=f"{USERINFO}@"))
        assert probe(url, ehlo_name="utskick.example") is None
        assert sink.lines[-1] == b"QUIT"
        assert not any(line.startswith(b"MAIL") for line in sink.lines)


def test_probe_says_what_is_wrong_without_the_password(authority: Authority, tmp_path: Path) -> None:
    with SmtpSink(Script(auth={USER: PASSWORD})) as sink:
        good = url_of(sink, authority, userinfo=f"{USERINFO}@")
        texts = [probe(parse_smarthost_url(good), ehlo_name="utskick.example")]
        missing = good.replace(str(authority.cafile), str(tmp_path / "none.pem")).replace("smtp:", "smtps:")
        texts.append(probe(parse_smarthost_url(missing), ehlo_name="utskick.example"))
    texts.append(probe(parse_smarthost_url(good), ehlo_name="utskick.example"))
    expected = ("offers no STARTTLS", "none.pem cannot be read", "cannot be reached")
    for text, words in zip(texts, expected, strict=True):
        assert text is not None
        assert words in text
        assert PASSWORD not in text
        assert USER not in text
