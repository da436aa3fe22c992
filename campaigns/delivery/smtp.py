"""Handing over by SMTP or LMTP: one message in flight on one persistent connection, and never one too many.

The steady state is one round trip: the body goes out without its dot, the gate is asked again, and the dot leaves in
one piece with the next MAIL, RCPT and DATA. Until that dot the message does not exist for the server (RFC 5321
4.1.1.10), so a no from the gate, or anything unexpected, ends the connection: after 354 there is no RSET, and a lone
dot would deliver what has been sent. The same holds where an announced envelope is not the one that comes next, and
where a recipient was refused and DATA accepted all the same: that costs one reconnect.

Promise: `Deferred` and `NotBegun` are certain not to have been delivered; only what happens between the dot and its
reply can be `Uncertain`. A server that ended the connection before the body (idle too long, enough messages on it) is
called again once, at once. Fails as `campaigns.delivery.transport` says.
Sources: RFC 5321 3.3, 4.1.1, 4.2.1, 4.5.3; RFC 2920; RFC 1870; RFC 2033; RFC 1047.
"""

from __future__ import annotations

from campaigns.delivery.replies import ReplyClass, Stage, blames_the_smarthost, reply_class
from campaigns.delivery.smarthost_url import ServerUrl
from campaigns.delivery.smtp_connection import Connection, NothingSent, SmarthostAway, open_connection
from campaigns.delivery.smtp_wire import DATA, DOT, RSET, RawReply, envelope_group, mail_from, rcpt_to
from campaigns.delivery.transport import (
    Accepted,
    Begun,
    Deferred,
    Envelope,
    Letter,
    Outcome,
    Recheck,
    Rejected,
    Timeouts,
    Uncertain,
    ask_gate,
    demand_clearance,
)
from campaigns.register.clearance import Clearance


class SmtpTransport:
    """A persistent connection to one smarthost, for one thread. Opened at the first letter."""

    def __init__(self, url: ServerUrl, *, ehlo_name: str, timeouts: Timeouts, begun: Begun) -> None:
        self._url = url
        self._ehlo_name = ehlo_name
        self._timeouts = timeouts
        self._begun = begun
        self._connection: Connection | None = None
        self._announced: Envelope | None = None
        self._needs_rset = False

    def hand_over(
        self, letter: Letter, clearance: Clearance, recheck: Recheck, *, upcoming: Envelope | None = None
    ) -> Outcome:
        """See `Transport.hand_over`."""
        try:
            if (no := demand_clearance(letter, clearance, recheck)) is not None:
                return self._cut(no)
            return self._transact(letter, recheck, upcoming)
        except BaseException:
            self._drop()
            raise

    def close(self) -> None:
        """End the connection; politely where nothing is announced on it."""
        connection, self._connection = self._connection, None
        announced, self._announced = self._announced, None
        if connection is None:
            return
        if announced is None:
            connection.quit()
        else:
            connection.abort()

    def _transact(self, letter: Letter, recheck: Recheck, upcoming: Envelope | None) -> Outcome:
        try:
            connection, refusal = self._open_envelope(letter)
        except SmarthostAway as away:
            return self._cut(_put_off(away, "connect"))
        if refusal is not None:
            return refusal
        if (no := ask_gate(letter, recheck)) is not None:
            return self._cut(no)
        try:
            connection.send_content(letter.content)
        except SmarthostAway as away:
            return self._cut(_cut_short(connection, away))
        if (no := ask_gate(letter, recheck)) is not None:
            return self._cut(no)
        self._begun(letter.delivery)
        return self._complete(connection, upcoming)

    def _open_envelope(self, letter: Letter) -> tuple[Connection, Outcome | None]:
        """Bring the server to where it waits for the content (outcome None), or learn why it will not."""
        if self._announced is not None and self._announced != letter.envelope:
            self._drop()
        if self._connection is not None:
            try:
                return self._connection, self._envelope(self._connection, letter)
            except SmarthostAway as away:
                self._drop()
                if not away.was_closed:
                    raise
        self._connection = open_connection(self._url, self._ehlo_name, self._timeouts)
        return self._connection, self._envelope(self._connection, letter)

    def _envelope(self, connection: Connection, letter: Letter) -> Outcome | None:
        if (refusal := _unfit(connection, letter)) is not None:
            return refusal
        if connection.extensions.pipelining:
            return self._pipelined_envelope(connection, letter)
        return self._stepwise_envelope(connection, letter)

    def _pipelined_envelope(self, connection: Connection, letter: Letter) -> Outcome | None:
        if self._announced is None:
            connection.expect_silence()
            group = envelope_group(letter.envelope, connection.extensions, len(letter.content))
            connection.send(RSET + group if self._needs_rset else group)
            self._read_rset(connection)
        self._announced = None
        waits = self._timeouts
        mail = _answer(connection, waits.mail)
        rcpt = _answer(connection, waits.rcpt)
        data = _answer(connection, waits.data)
        if mail.code == rcpt.code == 250 and data.code == 354:
            connection.expect_silence()
            return None
        refusal = _refusal("mail", mail) or _refusal("rcpt", rcpt) or _refusal("data", data)
        if refusal is None:
            connection.expect_silence()
        elif data.code // 100 == 3:
            self._drop()
        else:
            self._needs_rset = True
        return refusal

    def _stepwise_envelope(self, connection: Connection, letter: Letter) -> Outcome | None:
        if self._needs_rset:
            connection.expect_silence()
            connection.send(RSET)
            self._read_rset(connection)
        envelope, waits = letter.envelope, self._timeouts
        mail = mail_from(envelope, connection.extensions, len(letter.content))
        steps: tuple[tuple[Stage, bytes, float], ...] = (
            ("mail", mail, waits.mail),
            ("rcpt", rcpt_to(envelope), waits.rcpt),
            ("data", DATA, waits.data),
        )
        for stage, command, seconds in steps:
            connection.expect_silence()
            connection.send(command)
            if (refusal := _refusal(stage, _answer(connection, seconds))) is not None:
                self._needs_rset = True
                return refusal
        connection.expect_silence()
        return None

    def _read_rset(self, connection: Connection) -> None:
        if self._needs_rset:
            self._needs_rset = False
            if (reply := _answer(connection, self._timeouts.mail)).code // 100 != 2:
                raise SmarthostAway("The smarthost refuses RSET.", reply=reply)

    def _complete(self, connection: Connection, upcoming: Envelope | None) -> Outcome:
        """Write the dot and read its reply. From here on a lost answer is `Uncertain`."""
        tail = DOT
        if upcoming is not None and _may_announce(connection, upcoming):
            tail += envelope_group(upcoming, connection.extensions, None)
            self._announced = upcoming
        try:
            connection.send_dot(tail)
            reply = connection.reply(self._timeouts.dot)
        except NothingSent as away:
            return self._cut(_cut_short(connection, away))
        except SmarthostAway as away:
            return self._cut(Uncertain(str(away)))
        outcome = _settle("dot", reply)
        return self._cut(outcome) if reply.code == 421 or isinstance(outcome, Uncertain) else outcome

    def _cut(self, outcome: Outcome) -> Outcome:
        """End the connection, since it cannot be used any more, and pass the outcome on."""
        self._drop()
        return outcome

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._announced, self._needs_rset = None, False
        if connection is not None:
            connection.abort()


def _answer(connection: Connection, seconds: float) -> RawReply:
    """A reply within the envelope; 421 there means that the server is leaving."""
    reply = connection.reply(seconds)
    if reply.code == 421:
        raise SmarthostAway(reply.parsed().text, reply=reply, was_closed=True)
    return reply


def _may_announce(connection: Connection, upcoming: Envelope) -> bool:
    offered = connection.extensions
    return offered.pipelining and (offered.smtputf8 or not upcoming.needs_smtputf8)


def _unfit(connection: Connection, letter: Letter) -> Rejected | None:
    """What this server says in its EHLO that it cannot take (RFC 1870 6.1, RFC 6531 3.5)."""
    offered = connection.extensions
    if offered.size is not None and len(letter.content) > offered.size:
        return Rejected(552, "5.3.4", f"larger than the smarthost takes ({offered.size} octets)", "local")
    if letter.envelope.needs_smtputf8 and not offered.smtputf8:
        return Rejected(553, "5.6.7", "the smarthost does not take addresses beyond ASCII", "local")
    return None


def _refusal(stage: Stage, reply: RawReply) -> Rejected | Deferred | None:
    """None where the server goes along; a digit that does not fit the command ends the connection."""
    if reply.code // 100 == (3 if stage == "data" else 2):
        return None
    outcome = _settle(stage, reply)
    if isinstance(outcome, Rejected | Deferred):
        return outcome
    raise SmarthostAway(f"The smarthost answered {reply.code} where that makes no sense.")


def _settle(stage: Stage, raw: RawReply) -> Accepted | Rejected | Deferred | Uncertain:
    """What a reply makes of the letter."""
    reply = raw.parsed()
    kind = reply_class(reply.code, reply.enhanced, stage)
    if kind is ReplyClass.ACCEPTED:
        return Accepted(reply.code, reply.enhanced, reply.text)
    if kind is ReplyClass.PERMANENT:
        return Rejected(reply.code, reply.enhanced, reply.text, stage)
    if kind is ReplyClass.TRANSIENT:
        spends = not blames_the_smarthost(reply.code, reply.enhanced, stage)
        return Deferred(reply.code, reply.enhanced, reply.text, stage, spends)
    return Uncertain(f"{reply.code} {reply.text}")


def _put_off(away: SmarthostAway, stage: Stage) -> Deferred:
    if away.reply is None:
        return Deferred(None, None, str(away), stage, spends_attempt=False)
    reply = away.reply.parsed()
    return Deferred(reply.code, reply.enhanced, str(away), stage, spends_attempt=False)


def _cut_short(connection: Connection, away: SmarthostAway) -> Rejected | Deferred:
    """The connection ended before the dot. A refusal that the server sent in the middle of the body counts."""
    words = connection.last_words()
    if words is not None and words.code != 421:
        outcome = _settle("data", words)
        if isinstance(outcome, Rejected | Deferred):
            return outcome
    return _put_off(away, "data")
