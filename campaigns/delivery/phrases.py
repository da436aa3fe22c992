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
            "reverse dns", "ptr record", " ptr ", "no rdns", "valid rdns", "reverse lookup", "reverse hostname",
            "cannot find your hostname", "cannot find your reverse", "client host…not found",
            "unverifyable sending",
            "unverifiable sending", "hostname does not resolve", "ip name lookup failed", "helo…does not match",
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
            "message header", "media error", "message rejected due to content", "line too long", "line length",
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
            " spam", "unsolicited", "junk mail", " ube ", "bulk mail", "bulk e-mail", "blacklist", "black list",
            "blocklist", "block list", "blocked", "blocking", " rbl", "dnsbl", " bl ", "listed in", "listed on",
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
            "client host rejected", "connection refused by policy", "connection rejected", "connection denied",
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
            "sender not", "sender unknown", "unknown sender", "invalid sender", "bad sender", "sender invalid",
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
    (
        Cause.MAILBOX_FULL,
        (
            "mailbox full", "mailbox is full", "mailbox…is full", "mailbox too full", "mailbox over",
            "mailbox size",
            "mailbox has exceeded", "mailbox exceeds", "mailfolder is full", "folder is full", "inbox full",
            "inbox is full", "inbox is out of", "account is full", "user is full", "over quota", "overquota",
            "over the quota", "over its quota", "over his quota", "over disk quota", "quota exceed",
            "quota is exceed",
            "quota exceeded", "quota violat", "quota full", "exceed…quota", "exceeded…storage", "exceeds…quota",
            "exceeding…quota", "out of quota", "disk quota", "mail quota", "insufficient storage",
            "insufficient disk", "insufficient space", "not enough storage", "not enough space",
            "not enough disk",
            "no space left for", "out of storage", "out of space", "storage quota", "storage limit",
            "storage space",
            "storage allocation", "user has too many", "too many messages in", "maildir over",
            "is over the limit",
            "boite du destinataire pleine", "boite aux lettres pleine", "postfach…voll", "postfach ist voll",
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
            "unable to route", "no route", "deferred", "delayed", "handshake", "tls negotiation", "certificate",
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

# A mailbox or a domain that does not exist. Believed only with more than the words (`diagnosis.diagnose`): these are
# also what filters answer after the content, to look like nobody is there.
NOBODY: Final[tuple[str, ...]] = (
    "user unknown", "unknown user", "unknown recipient", "recipient unknown", "unknown account",
    "account unknown",
    "unknown mailbox", "mailbox unknown", "unknown address", "address unknown", "unknown local",
    "local part unknown",
    "unknown destination", "destination unknown", "unknown or invalid", "unknown email", "unknown e-mail",
    "user is unknown", "recipient is unknown", "address is unknown", "unknown name", "name unknown",
    "unknown alias",
    "no such user", "no such recipient", "no such mailbox", "no such account", "no such address",
    "no such person",
    "no such local", "no such name", "no such email", "no such alias", "no such id", "no such emp",
    "no such mail drop",
    "nosuchuser", "no such domain", "no such host",
    "no valid recipient", "no valid user", "no recipient", "not a valid", "not valid", "no valid",
    "invalid recipient",
    "invalid user", "invalid mailbox", "invalid address", "invalid email", "invalid e-mail", "invalid account",
    "invalid destination", "invalid local", "recipient invalid", "recipient is invalid", "address invalid",
    "address is invalid", "invalid domain", "invalid host", "illegal user", "illegal alias", "bad destination",
    "bad address", "bad recipient", "bad user", "bad mailbox",
    "user not found", "user not exist", "user not known", "user not here", "user not local", "user…not found",
    "user…not exist", "user…doesn't exist", "user…does not exist", "user…doesn't have", "user does not",
    "user has no", "user no longer", "recipient not found", "recipient…not found", "recipient not exist",
    "recipient…not exist", "recipient…doesn't exist", "recipient no longer", "recipient not known",
    "recipient does not", "mailbox not found", "mailbox…not found", "mailbox not exist", "mailbox…not exist",
    "mailbox…doesn't exist", "mailbox unavailable", "mailbox not available", "mailbox name not allowed",
    "mailbox…no longer", "account not found", "account…not found", "account…not exist", "account…doesn't exist",
    "account…no longer", "account has been deleted", "account deleted", "account was deleted",
    "account does not",
    "address not found", "address…not found", "wasn't found at", "was not found at", "address not exist",
    "address…not exist", "address…doesn't exist", "address not known", "address not recogni",
    "address…no longer",
    "address does not", "address no longer", "address couldn't be found", "name is not recogni",
    "could not be found", "couldn't be found", "couldn't find any host", "not a known user", "not our user",
    "not our customer",
    "not known here", "not known at this", "not listed in", "not in directory", "not in our directory",
    "not in the directory", "not in address book", "unlisted", "not a user", "is not a user",
    "unrouteable address",
    "unrouteable mail domain", "no mailbox", "no mail box", "no account", "no user", "nobody",
    "here by that name",
    "by that name", "by this name", "has moved", "moved to", "no longer on server", "no longer works",
    "no longer employed", "no longer valid", "no longer in use", "no longer with", "no longer exist",
    "no longer available",
    "left the company", "does not exist", "doesn't exist", "not exist", "do not exist", "non-existent",
    "nonexistent", "non existent",
    "does not have an account", "doesn't have an account", "doesn't have a", "is not known", "unable to find",
    "can't find", "cannot find", "cannot be found", "can not be found", "not recognized", "not recognised",
    "not find any", "undeliverable address", "please check the recipient", "check recipient",
    "check if address is correct",
    "host unknown", "unknown host", "host not found", "hostname not found", "host or domain name not found",
    "domain not found", "domain name not found", "domain unknown", "unknown domain", "illegal host", "nxdomain",
    "domain does not exist", "domain…not exist", "bad destination system", "bad destination host",
    "bad destination mailbox",
    "null mx", "nullmx", "does not accept mail", "doesn't accept mail", "does not receive", "doesn't receive",
    "no smtp service", "no mx record", "no mx found", "no mail exchanger", "find a mail exchanger",
    "no mail server", "no mail hosts", "mx record indicated no smtp",
    "destinataire invalide", "destinataire inconnu", "adresse invalide", "utilisateur inconnu", "unbekannt",
    "existiert nicht", "nicht gefunden", "no existe", "desconocido", "inesistente", "sconosciuto", "non esiste",
    "okand", "okänd", "finns inte", "tuntematon", "ei löydy", "ukjent", "ukendt", "не существует", "не найден",
    "用户不存在", "見つかりません", "存在しません", "宛先不明", "不存在",
    "usuario desconocido", "nieznany", "onbekend", "bestaat niet",
)  # fmt: skip
