"""How mail systems write their failure notices: the words they begin with, name a recipient with, name the
place of the failure with, and end with. Tables only. Pure.

All words are in small letters and are compared with lines in small letters, as plain text; a new mail system
is a new line here.
"""

from __future__ import annotations

from typing import Final

from campaigns.delivery.diagnosis import Stage

#: What a mail system is known by: a phrase at the head of its notices. The first that is found names it.
SYSTEMS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("postfix", ("this is the postfix program", "this is the mail system at host",
    "this is the postfix mail system")),
    ("dragonfly", ("this is the dragonfly mail agent", "this is the dragonfly")),
    ("opensmtpd", ("this is the mailer-daemon, please do not reply to this",)),
    (
        "qmail",
        (
            "this is the qmail-send program", "this is the deliver program",
            "i wasn't able to deliver your message",
            "i'm afraid i wasn't able to", "this is the machine generated message from",
        ),
    ),
    ("yahoo", ("we were unable to deliver your message to the following address", "message from  yahoo",
    "message from yahoo")),
    ("gmail", ("delivery to the following recipient", "technical details of permanent failure",
    "address not found")),
    ("mail.ru", ("это письмо создано автоматически сервером mail.ru",)),
    ("gmx", ("smtp error from remote server", "the header of the original message is following")),
    ("mxlogic", ("a message that you have sent could not be delivered to one or more",)),
    ("zoho", ("error_code :", "responsecode ")),
    (
        "exim",
        (
            "this message was created automatically by mail delivery software",
            "a message that you sent could not be",
            "a message that you sent has not yet been delivered",
            "could not be delivered to all of its recipients",
            "this message was created automatically by the smtp relay",
        ),
    ),
    (
        "sendmail",
        (
            "transcript of session follows", "the following addresses had permanent",
            "the following addresses had transient",
            "the following addresses had fatal", "the original message was received at",
            "transcript of the session",
        ),
    ),
    ("courier", ("this is a delivery status notification from", "ud> ",
    "the original message was received on")),
    ("exchange", ("did not reach the following recipient",
    "your message did not reach some or all of the intended")),
    ("exchange", ("delivery has failed to these recipients", "couldn't be delivered",
    "your message wasn't delivered")),
    ("messaging server", ("this report relates to a message you sent with the following header fields",)),
    ("domino", ("failure reasons", "your document:", "was not delivered to:")),
    ("m-filter", ("m-filter", "-------server message")),
    ("interscan", ("interscan messaging security", "received >>> ", "sent <<< ")),
    ("amazon", ("an error occurred while trying to deliver the mail to the following recipients",)),
    ("imail", ("unknown user:", "undeliverable to ", "undeliverable mail to", "delivery failed 20 attempts")),
    ("james", ("failed recipient(s):", "i have been asked to return your message", "error message below:")),
    ("mailenable", ("mailenable: message delivery", "message could not be delivered to some recipients")),
    ("mailmarshal", ("could not be delivered to the following recipients", "additional information")),
    ("mailfoundry", ("unable to deliver message to:", "delivery failed for the following reason")),
    ("surfcontrol", ("your message could not be sent",)),
    ("kddi", ("could not be delivered to:", "your mail sent on:", "your mail attempted to be delivered on:")),
    ("ezweb", ("each of the following recipients was rejected by a remote", "the user(s)",
    "the following recipients did not receive")),
    ("biglobe", ("non-delivered information",)),
    ("verizon", ("message could not be delivered to mobile", "vtext.com")),
    ("fml", ("you are not a member of this mailing list", "duplicated message-id in")),
    ("mailman", ("you are not allowed to post to this mailing list", "this is a posting by a non-member",
    "is being held until")),
    ("groups", ("google groups",)),
    ("kerio", ("your message could not be delivered to the following recipients",)),
)  # fmt: skip

#: Lines that begin the message that is returned, without the dashes, stars and bars before them.
RETURNED: Final[tuple[str, ...]] = (
    "below this line is a copy", "enclosed is a copy", "this is a copy of", "a copy of the message",
    "below is a copy of",
    "original message", "original header", "original mail", "message headers follow", "message header follow",
    "message text follows", "message header:", "message headers:", "unsent message", "undelivered message",
    "returned message",
    "returned mail follows", "the header of the original", "the headers of the original",
    "the original message header",
    "included is a copy", "attached is a copy", "message body suppressed", "message body is not included",
    "start of returned", "returned header", "your original message", "copy of your message",
    "copy of message",
    "the message header", "the text of your message", "transcript of the message", "original text follows",
    "beginning of the original", "beginning of message", "headers of the original", "header of the original",
    "first lines of the original", "the first 100 lines", "message that was sent", "the message you sent",
    "your message follows", "the returned message", "end of message *", "-- message --", "quoted message",
    "the following is a copy", "here is a copy", "---- forwarded message", "ursprüngliche nachricht",
    "originalnachricht",
    "ursprungligt meddelande", "ursprungligt brev", "alkuperäinen viesti", "message d'origine",
    "mensaje original",
)  # fmt: skip
#: The same without any decoration: a header that begins in the middle of a notice.
RETURNED_HEADERS: Final = (
    "received:",
    "return-path:",
    "x-received:",
    "dkim-signature:",
    "arc-seal:",
    "x-originating-ip:",
)

#: What names the recipient that failed, up to the address.
NAMING: Final[tuple[str, ...]] = (
    "recipient address:", "recipient:", "recipients:", "failed recipient:", "failed recipient(s):",
    "failed address:",
    "failed addresses:", "delivery failed:", "failed to deliver to", "delivery to:",
    "could not be delivered to:",
    "could not be delivered to the following", "did not reach the following recipient:",
    "unable to deliver message to",
    "unable to deliver to", "unable to deliver mail to", "unknown user:", "undeliverable to",
    "undeliverable mail to",
    "user mailbox exceeds allowed size:", "mailbox full:", "returned permanent errors:",
    "returned temporary errors:",
    "error delivering your mail to", "error delivering mail to", "error while delivering to",
    "trying to deliver to",
    "address: <", "rejected address:", "invalid address:", "the address", "following recipient:",
    "following address:",
    "following recipients:", "following addresses:", "following recipient(s):", "following address(es):",
    "delivery failed to",
    "failed for", "final-recipient:", "original-recipient:", "destination address:", "email address:",
    "mail address:",
    "was not delivered to:", "wasn't delivered to", "couldn't be delivered to", "could not be delivered to",
    "cannot be delivered to",
    "has not been delivered to", "has been delayed:", "member of this mailing list",
    "duplicated message-id in", "to address:",
    "not delivered to", "empfänger:", "empfängeradresse:", "destinataire:", "destinatario:", "mottagare:",
    "vastaanottaja:",
    "rcpt:", "user:", "message to <", "mail to <", "sending to <", "attempting to deliver to",
    "your message to",
    "your mail to", "your email to", "nachricht an", "meddelandet till", "wurde nicht zugestellt:",
    "address failed:",
    "error-for:", "undeliverable address:", "addressed to email address", "message was addressed,",
    "addressed to ", "nicht zugestellt an:",
    "odbiorca:", "geadresseerde:", "modtager:", "mottaker:", "destinatário:", "получатель:", "saaja:",
    "delivering a message to", "deliver a message to", "delivered to the following recipient", "gateway for",
)  # fmt: skip

#: Where a server refused, by the words of the system that asked it. The earliest in a text counts.
STAGES: Final[tuple[tuple[Stage, tuple[str, ...]], ...]] = (
    (
        "mail",
        ("to mail from", "after mail from", "[mail_from]", "sender was rejected", "after mail command",
        ">>> mail from", "to mail command"),
    ),
    (
        "rcpt",
        (
            "to rcpt to", "after rcpt to", "[rcpt_to]", "does not like recipient", "did not like our rcpt",
            "after rcpt command",
            "rcpt to response", "(state 14)", ">>> rcpt to", "<<< rcpt to", "to rcpt command", "rcpt to:",
            "for rcpt", "smtp:rcpt", "rcpt to generated",
            "does not like the recipient", "after sending rcpt",
        ),
    ),
    (
        "dot",
        (
            "to end of data", "to data", "after end of data", "after data", "after i sent the message",
            "our final data", "our data",
            "for text command", "smtp command data", "step: data", "(data)", ">>> data", "(state 18)",
            "(state 17)",
            "failed on data", "end of message", "after text command", "[data]", "[end of data]",
            "after sending data",
        ),
    ),
    (
        "connect",
        (
            "after initial connection", "refused to talk to me", "greeting failed", "after ehlo",
            "after helo",
            "to helo", "to ehlo",
            "server greeting", "helo handshake", "ehlo handshake", "after starttls", "while connecting",
            "initial greeting",
        ),
    ),
)  # fmt: skip

#: What a notice says that is no failure yet.
DELAYS: Final[tuple[str, ...]] = (
    "warning message only", "has not yet been delivered", "has been delayed", "delay reason",
    "will be retried",
    "delivery attempts will continue", "will keep trying", "will continue to try", "is delayed",
    "still being retried",
    "not yet been delivered", "could not be delivered yet", "temporary problem delivering",
    "delivery has been delayed",
    "this is a warning only", "do not need to resend", "don't need to resend", "will try again",
    "zustellung verzögert", "verzögert sich", "noch nicht zugestellt", "wird weiterhin versucht",
    "leveransen är försenad", "är försenad", "har inte levererats ännu", "har ännu inte kunnat levereras",
    "toimitus viivästyy", "toimitus on viivästynyt", "ei ole vielä toimitettu", "remise retardée",
    "remise différée", "n'a pas encore été remis", "entrega retrasada", "se ha retrasado",
    "todavía no se ha entregado",
    "consegna ritardata", "non è ancora stato recapitato", "bezorging is vertraagd", "nog niet bezorgd",
    "er forsinket", "dostarczenie opóźnione", "nie została jeszcze dostarczona", "доставка задерживается",
    "will continue trying", "will continue to attempt", "attempts will continue", "has been postponed",
    "advisory-only", "not yet received your message", "will retry for",
    "delivery is delayed", "transient non-fatal errors",
)  # fmt: skip
#: What a notice says that is none.
SUCCESSES: Final[tuple[str, ...]] = (
    "was successfully delivered", "has been successfully", "successfully relayed", "successfully delivered",
    "was delivered to",
    "your message has been delivered", "delivery to these recipients or groups is complete",
    "successful delivery report", "has been delivered to the following", "wurde erfolgreich zugestellt",
    "har levererats till följande", "on toimitettu seuraaville", "a été remis aux destinataires",
    "has sido entregado", "se ha entregado a los", "è stato recapitato ai", "is bezorgd bij",
    "was successfully sent", "message delivered",
)  # fmt: skip

#: Subjects of failure notices.
SUBJECTS: Final[tuple[str, ...]] = (
    "undeliver", "delivery status", "delivery fail", "delivery notif", "delivery report", "delivery error",
    "delivery problem",
    "delivery delay", "delivery has", "delivery incomplete", "failure notice", "failure delivery",
    "failed delivery", "failed mail",
    "failed message", "returned mail", "returned message", "returned to sender", "returning message",
    "mail delivery",
    "mail failed", "mail failure", "mail system error", "mail could not", "message could not",
    "message not delivered",
    "message delayed", "mail not delivered", "could not be delivered", "could not deliver",
    "couldn't be delivered",
    "unable to deliver", "non-deliver", "nondeliver", "non deliver", "not delivered", "can't deliver",
    "cannot deliver",
    "error sending your mail", "unsolicited bulk email, apparently from you", "warning: message",
    "warning: could not send",
    "user unknown", "bounced", "unzustellbar", "nicht zugestellt", "nicht zustellbar",
    "zustellung fehlgeschlagen",
    "ej levererat", "inte levereras", "olevererbar", "ej leveransbart", "kan inte levereras",
    "ei voitu toimittaa",
    "ei voi toimittaa", "toimittamat", "non remis", "échec de la remise", "non livré", "onbestelbaar",
    "no se puede entregar",
    "no entregado", "mancato recapito", "non recapitabile", "não entregue", "niedostarczon", "недоставлен",
    "не доставлен",
    "zustellungsfehler", "unzustellbarkeit", "zustellung nicht", "konnte nicht zugestellt",
    "rückläufer", "leverans misslyckades", "leveransfel", "kunde inte levereras", "gick inte att leverera",
    "toimitus epäonnistui", "ei toimitettu", "échec de remise", "non distribu", "impossible de remettre",
    "no se ha podido entregar", "no se pudo entregar", "no entregable", "error de entrega", "devuelto",
    "impossibile recapitare", "non è stato recapitato", "consegna fallita", "non consegnat",
    "kon niet worden",
    "niet bezorgd", "bezorging mislukt", "niet afgeleverd", "nie dostarczon", "nie można dostarczyć",
    "błąd dostarcz", "falha na entrega", "não pôde ser entregue", "nedoručiteln", "nedoručen",
    "kézbesíthetetlen",
    "teslim edilemedi", "не удалось доставить", "не доставлено", "ikke leveret", "ikke levert",
    "kan ikke leveres",
    "送信できません", "配信不能", "未送达", "退信", "there was an error", "your message wasn't", "blocked delivery",
    "uheldig levering", "kunne ikke leveres", "not member", "duplicated message-id",
)  # fmt: skip

#: Who writes failure notices: local parts, and words of the names beside them.
DAEMONS: Final = frozenset(
    {
        "mailer-daemon",
        "mailerdaemon",
        "mail-daemon",
        "postmaster",
        "mdaemon",
        "mail.delivery.system",
        "mailer_daemon",
    }
    | {
        "mailadministrator",
        "mailadm",
        "bounce",
        "bounces",
        "mmdf",
        "uucp",
        "delivery",
        "maildelivery",
        "autoreply-postmaster",
    }
)
DAEMON_NAMES: Final[tuple[str, ...]] = (
    "mail delivery", "mail deliver", "mailer-daemon", "mailer daemon", "system administrator",
    "mail administrator",
    "delivery system", "delivery subsystem", "interscan", "postmaster", "content-filter", "mail router",
    "mail system",
    "internet mail delivery", "mail delivery service", "mail administration", "zustellsystem",
    "системный администратор",
    "systemadministrat", "järjestelmänvalvoja", "administrateur système", "administrador del sistema",
    "amministratore di sistema", "systeembeheerder", "administrator systemu", "microsoft outlook",
    "amazonses", "sns.amazonaws",
)  # fmt: skip
