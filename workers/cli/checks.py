"""What `utskick check` asks: database and keys, queue, senders' signing keys, smarthosts. Changes and sends nothing."""

from __future__ import annotations

from campaigns.delivery.smarthost import probe
from campaigns.delivery.smarthost_url import parse_smarthost_url
from campaigns.errors import Fault, UtskickError
from campaigns.register.opt_out_log import OptOutLog
from campaigns.store import partitions
from workers.broker import EMBEDDED, connected
from workers.settings import Settings
from workers.wiring import Installation

#: So many coming campaigns should have their partition.
_CAMPAIGNS_AHEAD = 40


def faults(settings: Settings) -> list[Fault]:
    """Everything that would keep campaigns from going out, each with its place and what to do."""
    # The log is only looked at, and so made, for a register whose keys are right: it may lie beside them.
    register = _database(settings) or _opt_out_log(settings)
    # An embedded queue lies beside the register and is made with it.
    asked = not register or settings.redis_url.get_secret_value() != EMBEDDED
    found = [*register, *(_queue(settings) if asked else []), *_senders(settings)]
    for key in settings.smarthosts:
        found += _smarthost(settings, key)
    return found


def _database(settings: Settings) -> list[Fault]:
    try:
        Installation(settings).ring  # noqa: B018 (opens the database and holds the keys against the register)
    except UtskickError as error:
        return [Fault("database", str(error))]
    return _partitions(settings)


def _partitions(settings: Settings) -> list[Fault]:
    """The role of a worker cannot make partitions: it is told before the last one is full."""
    if partitions.missing_ahead(Installation(settings).engine, _CAMPAIGNS_AHEAD):
        problem = (
            f"there is no partition for the next {_CAMPAIGNS_AHEAD} campaigns, and this role may not make one"
        )
        return [Fault("database", f"{problem}; run `utskick init` as the owner of the database")]
    return []


def _opt_out_log(settings: Settings) -> list[Fault]:
    try:
        OptOutLog(settings.opt_out_file).probe()
    except UtskickError as error:
        return [Fault("opt_out_log", str(error))]
    return []


def _queue(settings: Settings) -> list[Fault]:
    try:
        with connected(settings):
            return []
    except UtskickError as error:
        return [Fault("queue", str(error))]


def _senders(settings: Settings) -> list[Fault]:
    found = []
    for key in settings.senders:
        try:
            Installation(settings).author(key)
        except UtskickError as error:
            found.append(Fault(f"senders.{key}.dkim", str(error)))
    return found


def _smarthost(settings: Settings, key: str) -> list[Fault]:
    url = parse_smarthost_url(settings.smarthosts[key].url.get_secret_value())
    problem = probe(url, ehlo_name=settings.mail_domain)
    return [Fault(f"smarthosts.{key}", f"{problem.removesuffix('.')}; {_REMEDY}")] if problem else []


_REMEDY = (
    "see that it runs and lets this machine in, or set another url (UTSKICK_SMARTHOST for smarthosts.main)"
)
