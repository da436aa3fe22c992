"""The alarm for floods of unproved reports."""

from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from campaigns.feedback.apply import apply_all
from campaigns.feedback.consequences.hints import FLOOD
from campaigns.feedback.event import FeedbackEvent
from campaigns.principal import INBOUND
from tests.support.register import Register
from workers.hint_alarm import HintAlarm


def test_a_flood_is_logged_and_counted_and_less_is_not(register: Register) -> None:
    alarm = HintAlarm(register.engine)
    with capture_logs() as logs:
        for number in range(FLOOD):
            event = FeedbackEvent("mail", f"forged-{number}", "hard", None, "5.1.1")
            alarm.heard(apply_all(register.engine, [event], INBOUND))
            assert len(logs) == (number + 1 == FLOOD)
    assert logs[0]["hints"] == FLOOD
    assert REGISTRY.get_sample_value("utskick_feedback_hints_last_hour") == FLOOD
