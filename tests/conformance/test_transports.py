"""What every transport keeps to, whatever it hands over to."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from campaigns.delivery.transport import Accepted, Letter, NotBegun, Transport
from campaigns.errors import GateClosed
from campaigns.register.clearance import DeliveryRef, Verdict, Withheld
from tests.conformance.transports import CASES, TransportCase
from tests.support.gate import Gate, always, clearance_for
from tests.support.letters import make_letter


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TransportCase]:
    with CASES[request.param](tmp_path) as made:
        yield made


class Began:
    """A journal that only lists, and that can be told to fail."""

    def __init__(self) -> None:
        self.deliveries: list[DeliveryRef] = []
        self.seen_complete: list[int] = []
        self.error: Exception | None = None
        self.case: TransportCase | None = None

    def __call__(self, delivery: DeliveryRef) -> None:
        self.deliveries.append(delivery)
        if self.case is not None:
            self.seen_complete.append(len(self.case.arrived()))
        if self.error is not None:
            raise self.error


@pytest.fixture
def began() -> Began:
    return Began()


@pytest.fixture
def transport(case: TransportCase, began: Began) -> Iterator[Transport]:
    made = case.open(began)
    yield made
    made.close()


def hand_over(transport: Transport, letter: Letter, **more: Any) -> object:
    return transport.hand_over(letter, clearance_for(letter), always(letter), **more)


def test_a_clean_letter_arrives_byte_for_byte(case: TransportCase, transport: Transport) -> None:
    letter = make_letter(1, octets=40_000)
    assert isinstance(hand_over(transport, letter), Accepted)
    transport.close()
    assert case.delivered() == [letter.content]


def test_many_letters_with_the_next_one_announced_arrive_once_each(
    case: TransportCase, transport: Transport
) -> None:
    letters = [make_letter(number) for number in range(10, 60)]
    for letter, following in zip(letters, [*letters[1:], None], strict=True):
        upcoming = following.envelope if following is not None else None
        assert isinstance(hand_over(transport, letter, upcoming=upcoming), Accepted)
    transport.close()
    assert case.delivered() == [letter.content for letter in letters]


def test_a_letter_larger_than_any_buffer_arrives_byte_for_byte(
    case: TransportCase, transport: Transport
) -> None:
    letter = make_letter(1, octets=3_000_000)
    assert isinstance(hand_over(transport, letter), Accepted)
    transport.close()
    assert case.delivered() == [letter.content]


@pytest.mark.parametrize(
    "wrong",
    [None, True, Withheld(DeliveryRef(7, 1), "objection"), object()],
    ids=["None", "True", "Withheld", "object"],
)
def test_nothing_is_taken_without_a_clearance(
    case: TransportCase, transport: Transport, began: Began, wrong: Any
) -> None:
    letter = make_letter(1)
    with pytest.raises(TypeError):
        transport.hand_over(letter, wrong, always(letter))
    transport.close()
    assert (case.delivered(), began.deliveries) == ([], [])


@pytest.mark.parametrize(
    "other",
    [
        make_letter(2, "kund1@mottagare.example"),
        make_letter(1, "annan@mottagare.example"),
        make_letter(1, campaign=8),
    ],
    ids=["number", "address", "campaign"],
)
def test_a_clearance_for_another_delivery_or_address_is_a_programming_error(
    case: TransportCase, transport: Transport, began: Began, other: Letter
) -> None:
    letter = make_letter(1)
    with pytest.raises(ValueError, match="not for delivery"):
        transport.hand_over(letter, clearance_for(other), always(letter))
    transport.close()
    assert (case.delivered(), began.deliveries) == ([], [])


def test_the_gate_may_not_answer_for_another_delivery_either(
    case: TransportCase, transport: Transport
) -> None:
    letter = make_letter(1)
    with pytest.raises(ValueError, match="not for delivery"):
        transport.hand_over(letter, clearance_for(letter), always(make_letter(2)))
    transport.close()
    assert case.delivered() == []


def test_a_clearance_that_ran_out_is_renewed_at_the_gate(case: TransportCase, transport: Transport) -> None:
    letter, refused = make_letter(1), make_letter(2)
    gate = Gate(letter, "yes", "yes", "yes")
    assert isinstance(transport.hand_over(letter, clearance_for(letter, -1), gate), Accepted)
    outcome = transport.hand_over(refused, clearance_for(refused, -1), Gate(refused, "no"))
    assert outcome == NotBegun(Withheld(refused.delivery, "objection"), "objection")
    transport.close()
    assert case.delivered() == [letter.content]


@pytest.mark.parametrize("answers", [["no"], ["yes", "no"]], ids=["before the body", "before the end"])
def test_a_no_of_the_gate_delivers_nothing_and_harms_nobody_else(
    case: TransportCase, transport: Transport, began: Began, answers: list[str]
) -> None:
    letter, following = make_letter(1), make_letter(2)
    gate = Gate(letter, *answers)
    outcome = transport.hand_over(letter, clearance_for(letter), gate, upcoming=following.envelope)
    assert outcome == NotBegun(Withheld(letter.delivery, "objection"), "objection")
    assert gate.asked == len(answers)
    assert isinstance(hand_over(transport, following), Accepted)
    transport.close()
    assert case.delivered() == [following.content]
    assert began.deliveries == [following.delivery]


def test_the_gate_is_asked_before_the_body_and_again_before_the_end(
    case: TransportCase, transport: Transport
) -> None:
    letter = make_letter(1)
    gate = Gate(letter)
    assert isinstance(transport.hand_over(letter, clearance_for(letter), gate), Accepted)
    assert gate.asked == 2
    assert len(case.arrived()) == 1


@pytest.mark.parametrize("answers", [["late"], ["yes", "late"]], ids=["before the body", "before the end"])
def test_a_yes_that_came_too_late_is_no_yes(
    case: TransportCase, transport: Transport, began: Began, answers: list[str]
) -> None:
    letter = make_letter(1)
    outcome = transport.hand_over(letter, clearance_for(letter), Gate(letter, *answers))
    assert isinstance(outcome, NotBegun)
    assert outcome.verdict is None
    transport.close()
    assert (case.delivered(), began.deliveries) == ([], [])


def failing_at(letter: Letter, question: int, error: Exception) -> Callable[[], Verdict]:
    gate = Gate(letter)

    def recheck() -> Verdict:
        if gate.asked == question:
            raise error
        return gate()

    return recheck


@pytest.mark.parametrize("question", [0, 1])
def test_a_gate_that_cannot_be_asked_delivers_nothing(
    case: TransportCase, transport: Transport, began: Began, question: int
) -> None:
    letter = make_letter(1)
    recheck = failing_at(letter, question, GateClosed("no permit"))
    assert transport.hand_over(letter, clearance_for(letter), recheck) == NotBegun(None, "no permit")
    transport.close()
    assert (case.delivered(), began.deliveries) == ([], [])


@pytest.mark.parametrize("question", [0, 1])
@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), OSError("a disk")], ids=["bug", "disk"])
def test_another_error_at_the_gate_passes_through_and_delivers_nothing(
    case: TransportCase, transport: Transport, question: int, error: Exception
) -> None:
    letter, following = make_letter(1), make_letter(2)
    with pytest.raises(type(error), match=str(error)):
        transport.hand_over(letter, clearance_for(letter), failing_at(letter, question, error))
    assert isinstance(hand_over(transport, following), Accepted)
    transport.close()
    assert case.delivered() == [following.content]


def test_begun_is_called_once_and_before_anything_is_complete(
    case: TransportCase, transport: Transport, began: Began
) -> None:
    began.case = case
    letters = [make_letter(1), make_letter(2)]
    for letter in letters:
        assert isinstance(hand_over(transport, letter), Accepted)
    assert began.deliveries == [letter.delivery for letter in letters]
    assert began.seen_complete == [0, 1]


@pytest.mark.parametrize(
    "error", [OSError("journal: disk full"), RuntimeError("journal")], ids=["disk", "other"]
)
def test_a_failing_begun_stops_the_message(
    case: TransportCase, transport: Transport, began: Began, error: Exception
) -> None:
    letter, following = make_letter(1), make_letter(2)
    began.error = error
    with pytest.raises(type(error), match="journal"):
        hand_over(transport, letter)
    began.error = None
    assert isinstance(hand_over(transport, following), Accepted)
    transport.close()
    assert case.delivered() == [following.content]


def test_what_was_announced_and_never_came_is_not_delivered(
    case: TransportCase, transport: Transport
) -> None:
    first, announced, other = (make_letter(number) for number in (1, 2, 3))
    assert isinstance(hand_over(transport, first, upcoming=announced.envelope), Accepted)
    assert isinstance(hand_over(transport, other), Accepted)
    assert isinstance(hand_over(transport, make_letter(4), upcoming=announced.envelope), Accepted)
    transport.close()
    assert case.delivered() == [first.content, other.content, make_letter(4).content]


def test_an_announced_letter_that_the_gate_refuses_is_not_delivered(
    case: TransportCase, transport: Transport
) -> None:
    first, announced, other = (make_letter(number) for number in (1, 2, 3))
    assert isinstance(hand_over(transport, first, upcoming=announced.envelope), Accepted)
    expired = clearance_for(announced, -1)
    assert isinstance(transport.hand_over(announced, expired, Gate(announced, "no")), NotBegun)
    assert isinstance(hand_over(transport, other), Accepted)
    transport.close()
    assert case.delivered() == [first.content, other.content]


def test_one_delivery_handed_over_twice_is_one_and_the_same_message(
    case: TransportCase, transport: Transport
) -> None:
    letter = make_letter(1)
    assert hand_over(transport, letter) == hand_over(transport, letter)
    transport.close()
    assert case.delivered() == [letter.content] * case.copies_of_a_repeat


def test_close_may_come_twice_and_before_anything_else(case: TransportCase, transport: Transport) -> None:
    transport.close()
    transport.close()
    letter = make_letter(1)
    assert isinstance(hand_over(transport, letter), Accepted)
    transport.close()
    transport.close()
    assert case.delivered() == [letter.content]
