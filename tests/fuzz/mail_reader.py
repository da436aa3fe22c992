"""Harness: whatever octets come, the mail reader ends soon, raises nothing, and says the same for every line end."""

import sys

import atheris

with atheris.instrument_imports(include=["campaigns"]):
    from campaigns.feedback import mime, reader
    from campaigns.feedback.parts import taken_apart
    from campaigns.feedback.report import Report

#: What reports are made of; libFuzzer puts them together in new ways.
WORDS = (
    b"Content-Type: multipart/report; boundary=b\n\n--b\n", b"Content-Type: message/delivery-status\n\n", b"\n--b--\n",
    b"Final-Recipient: rfc822; a@b.example\n", b"Action: failed\n", b"Status: 5.1.1\n", b"Diagnostic-Code: smtp; 550 ",
    b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n", b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: quoted-printable\n", b"Content-Type: text/html; charset=", b"iso-2022-jp",
    b"\x1b$B$3\x1b(B",
    b"From: MAILER-DAEMON@r.example\nSubject: Undelivered\n\n", b">>> RCPT TO:<a@b.example>\n<<< 550 5.1.1 no\n",
    b"<a@b.example>: 550 5.1.1 user unknown\n", b"--- Below this line is a copy of the message.\n", b"=?utf-8?q?=41?=",
    b'{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"a@b.example"}]}}',
    b"Auto-Submitted: auto-replied\n",
    b"X-Failed-Recipients: a@b.example, c@d.example\n", b"Content-Type: message/rfc822\n\n",
    b"In-Reply-To: <x@y.example>\n",
)  # fmt: skip


def mutate(data: bytes, limit: int, seed: int) -> bytes:
    """Now and then put a word of the trade somewhere; else do as libFuzzer would."""
    if seed % 3:
        return bytes(atheris.Mutate(data, limit))
    at = seed // 3 % (len(data) + 1)
    return (data[:at] + WORDS[seed // 7 % len(WORDS)] + data[at:])[:limit]


def check(data: bytes) -> None:
    """Read one message in three spellings, without the net below the reader."""
    text = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    readings = {reader.read_report(text.replace(b"\n", end)) for end in (b"\n", b"\r\n", b"\r")}
    assert len(readings) == 1, "line ends matter"
    (report,) = readings
    report.explained()
    assert all(len(item.diagnostic) <= 500 and len(item.recipient) <= 400 for item in report.recipients)
    if report == Report("unreadable"):
        try:
            message = mime.read_message(text)
            if message.fields.items:
                reader._read(taken_apart(message, list(mime.leaves(message))))
        except mime.TooComplex:
            pass


if __name__ == "__main__":
    atheris.Setup(sys.argv, check, custom_mutator=mutate)
    atheris.Fuzz()
