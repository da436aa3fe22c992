"""What mail servers say when they refuse, and what it means: the one table of phrases. Pure.

A phrase is matched as a plain substring of a text in small letters, without addresses, links and most punctuation; the
parts around "…" must follow each other. Nothing here can be slow on any text. The order is the meaning: what speaks of
the sender or the message stands before what speaks of the recipient, since refusals of the sender often quote words
about the address; within the recipient, full and closed stand before unknown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Cause(StrEnum):
    """Why a message was put off or refused. Only `ADDRESS_DEAD` says that the address will never work."""

    ADDRESS_DEAD = "address_dead"
    ADDRESS = "address"
    SENDER = "sender"
    MAILBOX_FULL = "mailbox_full"
    MAILBOX_DISABLED = "mailbox_disabled"
    MAILBOX = "mailbox"
    TOO_BIG = "too_big"
    SYSTEM = "system"
    ROUTING = "routing"
    NETWORK = "network"
    PROTOCOL = "protocol"
    CONTENT = "content"
    POLICY = "policy"
    AUTHENTICATION = "authentication"
    RATE = "rate"
    UNKNOWN = "unknown"


#: One line of the table: what it means, and the phrases that mean it.
Rule = tuple[Cause, tuple[str, ...]]

# What servers everywhere say. Matched on `diagnosis.plain_words`.
SAID: Final[tuple[Rule, ...]] = (
    (
        Cause.AUTHENTICATION,
        (
            " spf ", " spf-", " dkim", " dmarc", "unauthenticated", "authentication checks failed",
            "sender policy framework", "authentication-results", "not authenticated sender",
            "reverse dns", "ptr record", " ptr ", "no rdns", "valid rdns", "reverse lookup",
            "reverse hostname",
            "cannot find your hostname", "cannot find your reverse", "client host…not found",
            "unverifyable sending",
            "unverifiable sending", "hostname does not resolve", "ip name lookup failed",
            "helo…does not match",
            "helo command rejected", "without a valid sender domain", "fix reverse", "forward-confirmed",
            "does not designate", "is not allowed to send from", "not permitted sender",
            "not an authorized sender",
            "smtp authentication in your mail client", "must issue a starttls", "tls required",
            "authentication required", "authentication is required", "must authenticate",
            "not authorized to use",
        ),
    ),
    (
        Cause.CONTENT,
        (
            " virus", "malware", "infected", "phish", "attachment", "message content", "content rejected",
            "content filter", "content is not", "because its content", "body rejected", "header error",
            "headers too",
            "too many headers", "not rfc ", "rfc 5322", "rfc5322", "rfc 2822", "rfc2822", "bare lf",
            "bare line",
            "duplicate header", "multiple from", "multiple addresses in from", "header syntax",
            "invalid header",
            "message header", "media error", "message rejected due to content", "line too long",
            "line length",
            "prohibited content", "contains a url", "bad url", "suspicious link", "8bit", "encoding error",
            "is redundant", "message looks like", "contenterror", "conversion…not supported", "5.6.0 ",
            "not a valid mime", "no subject", "illegal attachment", "your message has been quarantined",
        ),
    ),
    (
        Cause.TOO_BIG,
        (
            "message too large", "message too big", "message size exceeds", "exceeds size limit",
            "size limit exceeded",
            "exceeds maximum…size", "maximum message size", "message is too large", "message is too big",
            "exceeds the maximum", "exceeds fixed maximum", "message file too big",
            "too large for this recipient",
            "message size…exceed", "larger than the", "size limit", "too much mail data",
            "exceeded storage limit for a",
        ),
    ),
    (
        Cause.RATE,
        (
            "too many connections", "too many concurrent", "too many messages", "too many recipients",
            "too many emails",
            "too many mails", "too many errors", "too many unknown users", "too many invalid", "rate limit",
            "ratelimit",
            "rate of messages", "rate exceeded", "connection rate", "frequency limited", "frequency limit",
            "at a rate that", "too fast", "too frequent", "quota on messages", "sending limit", "daily limit",
            "hourly limit", "limit on the number", "throttl", "slow down", "temporarily deferred due to",
            "unexpected volume", "too much mail", "messages per", "connection limit",
            "maximum number of connections",
            "concurrency limit", "sent to too many", "exceeded the rate", "unusual rate",
            "max message per connection",
        ),
    ),
    (
        Cause.POLICY,
        (
            " spam", "unsolicited", "junk mail", " ube ", "bulk mail", "bulk e-mail", "blacklist",
            "black list",
            "blocklist", "block list", "blocked", "blocking", " rbl", "dnsbl", " bl ", "listed in",
            "listed on",
            "listed at", "spamhaus", "spamcop", "sorbs", "barracuda", "cloudmark", "proofpoint", "senderbase",
            "reputation", "policy", "policies", "prohibited", "prohibition", "not permitted", "not allowed",
            "is not accepted from", "not accepted from", "not accepting mail from", "refused to accept",
            "refuses to accept", "access denied", "access is denied", "permission denied", "not authorized",
            "not authorised", "unauthorized", "unauthorised", "delivery not authorized", "not accept…from",
            "banned", "abuse", "blocked for", "blackhole", "open relay", "open proxy", "dynamic ip",
            "dynamic address",
            "dial-up", "dialup", "residential", "your isp", "greylist", "graylist", "greylisted", "postgrey",
            "security reasons", "security policy", "security violation", "complaints", "complaint rate",
            "suspicious",
            "recipient preferences", "recipient's preferences", "rejected by the recipient",
            "you are not a member",
            "not a member", "members only", "moderat", "subscribers only", "group…reject",
            "not accepted due to",
            "message rejected", "mail rejected", "message refused", "message was rejected",
            "message was not accepted",
            "transaction rejected", "poor sender", "is denied", "denied by", "rejected by filter", "filtered",
            "client host rejected", "connection refused by policy", "connection rejected",
            "connection denied",
            "administratively", "administrative", "local configuration", "we do not accept",
            "don't accept mail from",
            "does not accept mail from", "will not accept", "challenge", "not in whitelist", "whitelist",
            "allow list",
            "unacceptable", "mail rejete", "service refuse", "ip source bloquee", "bloqu", "abgelehnt wegen",
            "rule imposed", "imposed by", "domain filter", "recipient filter", "mail loop detected by policy",
            "expn disabled", "verify…disabled by policy", "failed…verification…sender",
            "not accepting connections",
            "no smtp service", "delivery restrict", "restricted", "restriction",
        ),
    ),
    (
        Cause.SENDER,
        (
            "sender address", "sender denied", "sender rejected", "sender is rejected", "sender refused",
            "sender verify", "sender verification", "sender domain", "sender…not exist", "sender…not found",
            "sender not", "sender unknown", "unknown sender", "invalid sender", "bad sender",
            "sender invalid",
            "from address", "mail from", "mailfrom", "return path", "return-path", "envelope from",
            "envelope sender",
            "originator", "from domain", "domain of sender", "your domain",
            "domain is invalid. please provide a valid from", "valid from", "from header",
            "callout verification", "could not verify", "does not resolve", "address must be",
            "cannot receive dsn", "backscatter", "unable to verify sender",
        ),
    ),
    (
        Cause.POLICY,
        (
            "relay access", "relay denied", "relaying denied", "relay not", "relaying not", "not relay",
            "relay prohibited", "relaying prohibited", "no relay", "unable to relay", "cannot relay",
            "to relay mail",
            "mail relay", "relay rejected", "relaying rejected", "relay refused", "refused…relay",
            "not configured to relay",
            "insecure mail relay", "cannot be relayed", "not one of our domains", "rcpthosts", "rcpt hosts",
            "is not hosted here", "isn't in my list", "not in my control", "not a gateway", "we do not relay",
            "we don't relay", "don't relay", "not for this server", "is not a registered gateway",
        ),
    ),
    # No filter says this of the recipient, so it needs no second sign.
    (
        Cause.ADDRESS_DEAD,
        (
            "left the company", "left our company", "left the organi", "no longer works",
            "no longer employed", "no longer an employee", "no longer at this company",
            "no longer with the company",
            "no longer with our", "har slutat", "arbetar inte längre", "jobbar inte längre",
            "ei ole enää töissä",
            "ei työskentele enää", "nicht mehr im unternehmen", "nicht mehr bei uns", "arbeitet nicht mehr",
            "ne travaille plus", "a quitté la société", "a quitté l'entreprise", "ya no trabaja",
            "non lavora più",
            "werkt niet meer", "niet meer werkzaam", "nie pracuje", "már nem dolgozik", "больше не работает",
        ),
    ),
    (
        Cause.MAILBOX_FULL,
        (
            "mailbox full", "mailbox is full", "mailbox…is full", "mailbox too full", "mailbox over",
            "mailbox size",
            "mailbox has exceeded", "mailbox exceeds", "mailfolder is full", "folder is full", "inbox full",
            "inbox is full", "inbox is out of", "account is full", "user is full", "over quota", "overquota",
            "over the quota", "over its quota", "over his quota", "over disk quota", "quota exceed",
            "quota is exceed",
            "quota exceeded", "quota violat", "quota full", "exceed…quota", "exceeded…storage",
            "exceeds…quota",
            "exceeding…quota", "out of quota", "disk quota", "mail quota", "insufficient storage",
            "insufficient disk", "insufficient space", "not enough storage", "not enough space",
            "not enough disk",
            "no space left for", "out of storage", "out of space", "storage quota", "storage limit",
            "storage space",
            "storage allocation", "user has too many", "too many messages in", "maildir over",
            "is over the limit",
            "boite du destinataire pleine", "boite aux lettres pleine", "postfach…voll", "postfach ist voll",
            "speicherplatz", "zuviele mails", "zu viele mails", "brevlåda…full", "brevlådan är full",
            "inkorgen är full",
            "postilaatikko…täynnä", "postilaatikko on täynnä", "saapuneet…täynnä", "boîte…pleine",
            "boite…pleine",
            "boîte…saturée", "espace de stockage", "bandeja…llena", "postvak…vol", "mailbox is vol",
            "postkasse…full",
            "postkassen er full", "postboks…fuld", "skrzynka…pełna", "skrzynka…przepełniona", "caixa…cheia",
            "почтовый ящик…переполнен", "ящик переполнен", "schránka…plná", "disc quota", "disk space limit",
            "space not enough", "too much mail stored",
            "buzon…lleno", "casella…piena", "mailbox…quota", "exceeded allowed", "exceeded its",
            "maxi size reached",
            "nearly full", "unable to accept…full", "mailbox currently full", "has reached…limit…storage",
            "account…over quota", "receiving…quota", "has run out of", "容量", "超过", "mailbox_full",
            "mailboxfull",
        ),
    ),
    (
        Cause.MAILBOX_DISABLED,
        (
            "account disabled", "account is disabled", "account…disabled", "mailbox disabled",
            "mailbox is disabled",
            "mailbox…disabled", "user disabled", "user is disabled", "user…disabled", "address disabled",
            "address is disabled", "disabled recipient", "recipient…disabled", "disabled address",
            "disabled account",
            "disabled user", "disabled mailbox", "suspended", "account inactive", "account is inactive",
            "mailbox inactive", "mailbox is inactive", "inactive", "user not active", "not active",
            "deactivated",
            "account locked", "account is locked", "user is locked", "mailbox locked", "mailbox is locked",
            "account…blocked", "account…frozen", "mailbox…frozen", "account expired", "account has expired",
            "mailbox…expired",
            "temporarily unavailable…mailbox", "account closed", "account is closed", "mailbox closed",
            "account…terminated", "on hold", "onhold", "temporarily disabled",
            "temporarily locked", "compte…bloque", "dormant", "discontinued", "unpaid", "not enabled",
            "hibernat",
            "mailbox…deactivated", "has not been activated", "not been activated", "archived",
            "not accepting messages", "not accepting mail", "not accepting any mail", "no longer accept",
            "not an active address", "not an active user", "not an active account", "gesperrt", "deaktiviert",
            "désactivé", "desactivado", "disattivat", "geblokkeerd", "zablokowan", "inaktiverat",
            "inaktiverad",
            "spärrat", "spärrad", "suljettu", "заблокирован", "отключен", "konto niedostepne",
            "konto niedostępne",
        ),
    ),
    (
        Cause.NETWORK,
        (
            "try again", "timed out", "timeout", "time out", "connection refused", "connection reset",
            "connection lost",
            "lost connection", "connection closed", "connection dropped", "no route to host",
            "network is unreachable",
            "network unreachable", "host unreachable", "host not reachable", "host is unreachable",
            "unreachable",
            "too many hops", "hop count", "mail loop", "loops back to", "loop detected", "routing loop",
            "mail is looping",
            "forwarding loop", "expired", "retry time", "retry timeout", "in the queue too long",
            "queue too long",
            "too long on queue", "giving up", "cannot send message for", "could not be delivered for",
            "unable to deliver in", "delivery attempts", "socket error",
            "did not accept our requests to connect",
            "was not responding", "not responding", "no response", "does not respond", "unable to connect",
            "can't connect",
            "cannot connect", "could not connect", "couldn't connect", "unable to contact",
            "not able to establish",
            "wasn't able to establish", "unable to establish", "failed to connect", "connect to",
            "connection attempt",
            "name service error…try again", "name lookup failure", "lookup failure", "servfail", "dns error",
            "dns lookup",
            "temporary…dns", "temporary…lookup", "no relevant answers", "name server", "nameserver",
            "could not find a gateway",
            "unable to route", "no route", "deferred", "delayed", "handshake", "tls negotiation",
            "certificate",
            "remote host is down", "server is down", "retries", "multiple retries", "aborted after",
            "within…days",
        ),
    ),
    (
        Cause.SYSTEM,
        (
            "system error", "internal error", "internal server error", "server error", "local error",
            "local problem",
            "local configuration error", "configuration error", "config error", "insufficient system",
            "system resource",
            "resources temporarily", "resources unavailable", "out of memory", "disk full", "no space left",
            "temporarily unavailable", "temporary failure", "temporary error", "temporary problem",
            "service unavailable",
            "service currently unavailable", "service not available", "server unavailable", "server busy",
            "system busy",
            "too busy", "overloaded", "load too high", "can't create", "couldn't create", "cannot open",
            "can't open",
            "unable to open", "i/o error", "ldap", "database error", "sql error", "backend", "command died",
            "command time", "mailer error", "unknown mailer", "pipe to", "child process", "exit status",
            "procmail",
            "maildrop", "permission…mailbox", "insufficient permission", "could not load drd", "mail system",
            "requested action aborted", "error in processing", "undefined mail delivery", "program failure",
            "cannot write",
        ),
    ),
    (
        Cause.PROTOCOL,
        (
            "syntax error", "command not", "bad sequence", "improper sequence", "sequence of commands",
            "protocol error",
            "unrecognized command", "unknown command", "not implemented", "out of sequence",
            "unrecognized parameter",
            "need rcpt", "need mail", "invalid command", "smtputf8", "internationali", "missing argument",
        ),
    ),
)  # fmt: skip
