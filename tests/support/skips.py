"""The only tests that may skip are those marked as needing a tool, and the run's last line says how many did."""

import os
import shutil
from collections.abc import Callable, Generator
from typing import Final

import pytest

SEARCHED: Final = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


def _program(*names: str) -> bool:
    return any(shutil.which(name, path=SEARCHED) for name in names)


NEEDS: Final[dict[str, Callable[[], bool]]] = {
    "needs_chromium": lambda: _program("chromium", "chromium-browser", "google-chrome"),
    "needs_postfix": lambda: _program("smtp-sink"),
    "needs_root": lambda: os.geteuid() == 0,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a tool that is not here."""
    missing = [marker for marker, is_here in NEEDS.items() if not is_here()]
    for item in items:
        for marker in missing:
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=f"{marker}: not on this machine"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip without one of the markers is a failure."""
    report = yield
    if (
        report.skipped
        and not hasattr(report, "wasxfail")
        and not any(item.get_closest_marker(name) for name in NEEDS)
    ):
        report.outcome = "failed"
        report.longrepr = f"skipped, and only tests marked {', '.join(NEEDS)} may: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module that skips itself is a failure too."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"a whole module was skipped: {report.longrepr}"
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With TESTS_MAY_SKIP=0 (as .ci/run has it) a run with skipped tests has failed."""
    if count_skipped(session.config) and os.environ.get("TESTS_MAY_SKIP") == "0":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of the run, below the runner's summary."""
    skipped = count_skipped(config)
    if skipped:
        were = "test was" if skipped == 1 else "tests were"
        print(f"{skipped} {were} skipped for want of tools; as root, `make test-tools` installs them.")


def count_skipped(config: pytest.Config) -> int:
    """How many tests were skipped, as the process that writes the summary knows it."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter is not None else 0
