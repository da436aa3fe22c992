"""Figures: documented, free of people, and true to what a pass came to."""

import importlib
import json
import re
import urllib.error
import urllib.request

import pytest
from prometheus_client import REGISTRY, generate_latest

from campaigns.register.office import Permit
from tests.architecture.tree import ROOT, read_tree
from tests.operations.place import Place
from tests.support.smtp_sink import Answer, Rule, SmtpSink
from tests.traffic.roads import opened_room, send
from workers import metrics
from workers.metrics import GateView, Readiness, serve
from workers.settings_traffic import MetricsTable

Sinks = tuple[SmtpSink, SmtpSink]


def test_every_figure_is_documented_and_no_other() -> None:
    for module in read_tree().values():
        if "prometheus_client import" in module.text:
            importlib.import_module(module.name)
    figures = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in REGISTRY.collect()
        if family.name.startswith("utskick_")
    }
    told = set(
        re.findall(r"^\| `(utskick_\w+)` \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE)
    )
    assert figures == told


def test_no_label_can_name_a_person() -> None:
    allowed = {"smarthost", "status", "reason", "end", "outcome", "queue", "endpoint", "consequence", "provider",
               "why", "reply", "mailbox", "le"}  # fmt: skip
    for family in REGISTRY.collect():
        if family.name.startswith("utskick_"):
            assert {label for sample in family.samples for label in sample.labels} <= allowed


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_pass_is_counted_once_and_without_its_people(place: Place, sinks: Sinks) -> None:
    main, _ = sinks
    main.script.rules.append(Rule("rcpt", Answer(b"550 5.1.1 no such user\r\n"), times=1))
    place.people(20)
    campaign = place.opened()
    before = {
        name: value(name, **labels)
        for name, labels in (
            ("utskick_deliveries_total", {"smarthost": "main", "status": "accepted"}),
            ("utskick_passes_total", {"end": "closed"}),
            ("utskick_hand_over_seconds_count", {}),
        )
    }
    with opened_room(place) as room:
        send(room, campaign)
        room.show(GateView())
    accepted = value("utskick_deliveries_total", smarthost="main", status="accepted")
    assert accepted - before["utskick_deliveries_total"] == 19
    assert value("utskick_passes_total", end="closed") - before["utskick_passes_total"] == 1
    assert 2 <= value("utskick_hand_over_seconds_count") - before["utskick_hand_over_seconds_count"] <= 4
    assert value("utskick_smarthost_well", smarthost="main") == 1
    text = generate_latest().decode()
    assert "@" not in text
    assert "kund.example" not in text
    assert "Kim" not in text


def test_the_permit_is_shown() -> None:
    view = GateView()
    view.show(Permit(0, float("-inf"), float("-inf")))
    view.show(Permit(7, 100.050, 100.025))
    moves = value("utskick_gate_epoch_moves_total")
    view.show(Permit(9, 100.050, 100.025))
    assert value("utskick_gate_epoch") == 9
    assert value("utskick_gate_epoch_moves_total") - moves == 2
    assert value("utskick_gate_width_seconds") == pytest.approx(0.05)


def test_several_processes_serve_on_ports_of_their_own() -> None:
    assert serve(MetricsTable(), None, Readiness()) is None
    one, other = (serve(MetricsTable(), 19_480, Readiness()) for _ in range(2))
    assert one is not None
    assert other is not None
    try:
        assert one.server_port != other.server_port
        for server in (one, other):
            with urllib.request.urlopen(
                f"http://127.0.0.1:{server.server_port}/metrics", timeout=5
            ) as answer:
                assert b"utskick_ready" in answer.read()
    finally:
        for server in (one, other):
            server.shutdown()
            server.server_close()


def test_it_says_why_it_is_not_ready() -> None:
    readiness = Readiness()
    server = serve(MetricsTable(), 19_520, readiness)
    assert server is not None
    address = f"http://127.0.0.1:{server.server_port}/readyz"
    try:
        readiness.note("the database does not answer: x")
        with pytest.raises(urllib.error.HTTPError) as told:
            urllib.request.urlopen(address, timeout=5)
        with told.value as answer:
            assert answer.code == 503
            assert json.load(answer) == {
                "status": "not ready",
                "reasons": ["the database does not answer: x"],
            }
        readiness.note()
        with urllib.request.urlopen(address, timeout=5) as answer:
            assert json.load(answer)["status"] == "ready"
        assert metrics.READY._value.get() == 1
    finally:
        server.shutdown()
        server.server_close()
