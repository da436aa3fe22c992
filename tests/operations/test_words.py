"""The commands for a person's word on a campaign: exit codes, and one JSON object."""

import json
from typing import Any

import pytest

from campaigns.delivery import ledger
from tests.operations.place import Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink
from workers.cli import main


@pytest.fixture
def said(small_place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Say a command in the place's folder; its exit code and what it printed."""
    monkeypatch.chdir(small_place.folder)
    for name, value in small_place.environment.items():
        monkeypatch.setenv(name, value)

    def say(*words: str) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr("sys.argv", ["utskick", *words, "--json"])
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            code = 0
        return code, json.loads(capsys.readouterr().out or "{}")

    return say


def test_a_campaign_is_paused_resumed_and_cancelled(small_place: Place, said: Any) -> None:
    small_place.people(3)
    campaign = str(small_place.opened())
    assert said("campaigns", "pause", campaign) == (0, {"id": 1, "before": "sending", "status": "paused"})
    assert said("campaigns", "pause", campaign)[0] == 0
    assert said("campaigns", "resume", campaign)[1]["status"] == "sending"
    assert said("campaigns", "resume", campaign)[0] == 1
    assert said("campaigns", "cancel", campaign)[1]["status"] == "cancelled"
    assert said("campaigns", "pause", "77")[0] == 1
    assert said("campaigns", "show", campaign)[1]["cancelled"] == 3


def test_uncertain_deliveries_are_shown_and_decided(small_place: Place, sink: SmtpSink, said: Any) -> None:
    small_place.people(3)
    campaign = small_place.opened()
    sink.script.rules.append(Rule("dot", Answer(cut=True), times=2))
    small_place.send(campaign)
    ledger.complete_if_done(small_place.engine, campaign)
    shown = said("campaigns", "settle", "1")[1]["uncertain"]
    assert [row["number"] for row in shown] == [1, 2]
    assert said("campaigns", "settle", "1", "--as", "accepted", "--number", "1")[1] == {
        "settled": 1,
        "as": "accepted",
    }
    assert said("campaigns", "settle", "1", "--as", "accepted", "--resend")[0] == 1
    assert said("campaigns", "settle", "1", "--resend") == (0, {"resend": 1})


def test_schedules_are_shown_and_stopped(small_place: Place, said: Any) -> None:
    from campaigns.planning.campaign import receive

    small_place.people(1)
    document = small_place.document("weekly", schedule={"cron": "0 9 * * 2"})
    assert receive(small_place.installation.planning, document).recurrence_id == 1
    (shown,) = said("schedules", "list")[1]["schedules"]
    assert (shown["cron"], shown["status"]) == ("0 9 * * 2", "active")
    assert said("schedules", "stop", "1") == (0, {"stopped": True})
    assert said("schedules", "stop", "9")[0] == 1
