"""What single providers mean by their words, links and codes. Pure.

Asked before everything else, and matched on the whole text in small letters, links and addresses included. Sources: the
providers' own lists of error codes.
"""

from __future__ import annotations

from typing import Final

from campaigns.delivery.phrases import Cause, Rule

PROVIDERS: Final[tuple[Rule, ...]] = (
    # Google: the link of each answer names its reason.
    (Cause.ADDRESS_DEAD, ("?p=nosuchuser", "answer=6596")),
    (Cause.MAILBOX_DISABLED, ("?p=disableduser", "?p=inactiveuser", "?p=suspendeduser", "answer=9171")),
    (Cause.MAILBOX_FULL, ("?p=overquota", "answer=6558")),
    (
        Cause.AUTHENTICATION,
        (
            "?p=dmarcrejection",
            "?p=unauthenticated",
            "answer/81126#authentication",
            "answer/81126#ip-practices",
        ),
    ),
    (Cause.RATE, ("?p=receivingrate", "?p=mailtempratelimit", "?p=ratelimit", "answer=6592", "answer/6592")),
    (Cause.CONTENT, ("?p=blockedmessage", "?p=rfcmessagenoncompliant", "?p=messagetoolarge", "answer=6590")),
    (Cause.POLICY, ("?p=unsolicited", "?p=policyerror", "?p=prohibit", "answer=188131", "answer/188131")),
    # Microsoft: Exchange, Exchange Online and Outlook.com. 5.4.1 with these words is its directory saying "unknown".
    (Cause.AUTHENTICATION, ("5.7.515", "5.7.509", "5.7.512", "5.7.25 ", "5.7.23 ")),
    (
        Cause.ADDRESS_DEAD,
        (
            "5.4.1…recipient address rejected: access denied",
            "resolver.adr.recipnotfound",
            "resolver.adr.recipientnotfound",
            "resolver.adr.exrecipnotfound",
            "resolver.adr.exrecipientnotfound",
            "resolver.adr.invalidinsmtp",
            "5.1.351 remote server returned unknown recipient",
            "mailbox unavailable (s20",
            "5.4.310 dns domain",
            "x500 address…not found",
        ),
    ),
    (Cause.MAILBOX_FULL, ("storedrv…quotaexceeded", "mapiexceptionshutoffquotaexceeded", "mailboxfull; ")),
    (Cause.RATE, ("5.2.121", "5.2.122", "recipientthread limit", "recipthreadlimit", "threadlimitexceeded")),
    (
        Cause.TOO_BIG,
        ("resolver.rst.recipsizelimit", "resolver.rst.sendsizelimit", "sizelimit; message too large"),
    ),
    (
        Cause.POLICY,
        (
            "resolver.rst.",
            "banned sending ip",
            "(s3140)",
            "(s3150)",
            "s3150)",
            "5.7.606",
            "5.7.708",
            "5.7.750",
            "part of their network is on our block list",
            "transport.rules.rejectmessage",
            "tenantattribution",
            "not authorized to send to the recipient because",
            "5.7.133",
            "5.7.124",
            "5.7.129",
        ),
    ),
    (
        Cause.NETWORK,
        (
            "host not found, try again",
            "queue.expired",
            "smtpsend.dns",
            "routing.noconnector",
            "resolver.fwd",
            "hop count exceeded",
        ),
    ),
    # Mail.ru.
    (Cause.ADDRESS_DEAD, ("message was not accepted -- invalid mailbox",)),
    # Yahoo and AOL.
    (
        Cause.ADDRESS_DEAD,
        ("dd this user doesn't have a", "this user doesn't have a…account", "mailbox not found; dd"),
    ),
    (
        Cause.MAILBOX_DISABLED,
        ("mailbox is disabled (554.30)", "(554.30)", "has been disabled or discontinued [#102]"),
    ),
    (Cause.RATE, ("[tss0", "[ts01]", "[ts02]", "[ts03]", "[ts04]", "4.16.55")),
    (Cause.POLICY, ("[pb0", "[bl2", "not accepted for policy reasons")),
    # Orange, Wanadoo, La Poste.
    (Cause.ADDRESS_DEAD, ("ofr_416", "ofr007_416", "lpn007_416", "lpn_416")),
    (Cause.MAILBOX_FULL, ("ofr_417", "ofr007_417", "lpn007_417")),
    (Cause.MAILBOX_DISABLED, ("ofr_418", "lpn007_418", "lpn007_420", "lpn007_426", "ofr_426", "lpn007_422")),
    (Cause.CONTENT, ("ofr_506", "ofr004_", "lpn004_", "ofr_509")),
    (Cause.POLICY, ("ofr_", "ofr00", "lpn00", "lpn_")),
    # Meta: "Refused due to recipient preferences" against "does not exist".
    (Cause.ADDRESS_DEAD, ("rcp-p1 ",)),
    (Cause.POLICY, ("rcp-p2 ", "rcp-p3 ", "pol-p", "con-t", "int-p", "msg-p")),
    # Japanese carriers refuse what their users filter with these words, an empty address or a code of their own.
    (Cause.POLICY, ("550 : user unknown", "; : user unknown")),
    # A domain that says it takes no mail (RFC 7505).
    (
        Cause.ADDRESS_DEAD,
        (
            "indicated no smtp service",
            "returned null mx",
            "has a null mx",
            "domain accepts no mail",
            "does not accept mail (null",
        ),
    ),
    # cPanel's Exim, for a domain that has no mail server.
    (Cause.ADDRESS_DEAD, ("the account or domain may not exist, they may be blacklisted",)),
    # Verizon's gateway from mail to telephones.
    (Cause.ADDRESS_DEAD, ("no valid recipients for this mm",)),
    # Programs that deliver locally and fail by themselves.
    (Cause.SYSTEM, ("procmail: ", "maildrop: ", "command died with", "exec failed")),
    # Notes and Domino; Exchange before 2000.
    (
        Cause.ADDRESS_DEAD,
        (
            "not listed in public name",
            "not listed in domino directory",
            "000c05a6",
            "recipient name is not recognized",
        ),
    ),
    # Lists of blocked senders, by their links.
    (
        Cause.POLICY,
        (
            "spamhaus.org",
            "spamcop.net",
            "sorbs.net",
            "barracudacentral",
            "senderscore",
            "senderbase.org",
            "/rbl",
            "dnsbl",
        ),
    ),
    # IronPort's answer for an address that its directory does not have; Mimecast's; Comcast's; Apple's.
    (Cause.ADDRESS_DEAD, ("#5.1.0 address rejected", "invalid recipient - http", "5.1.1 not our customer")),
    (Cause.ADDRESS_DEAD, ("unknown or illegal alias", "unknown or illegal user")),
    # GoDaddy's and Spectrum's codes; GMX and Web.de where they turn a whole host away; Cloudflare's mail routing.
    (Cause.AUTHENTICATION, (" ib504", " ib505", " ib508", "c=rdns", "bad dns ptr", " ib105", " ib106")),
    (Cause.RATE, (" ib607", " ib605", " ib001", "aup#in-13", "aup#cxconn", "aup#cxmxrt")),
    (Cause.POLICY, (" ib212", " ib506", " ib603", " ib7", "aup#", "nemesis esmtp service not available")),
    (Cause.SYSTEM, ("upstream error, please check https://developers.cloudflare.com",)),
)
