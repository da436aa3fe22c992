import pytest

from campaigns.errors import InputError
from campaigns.register.business_id import business_id


@pytest.mark.parametrize(
    "text, spelling",
    [
        ("0112038-9", "0112038-9"),
        ("112038-9", "0112038-9"),
        (" 0112038 – 9 ", "0112038-9"),
        ("FI01120389", "0112038-9"),
        ("01120389", "0112038-9"),
        ("01120388", "01120388"),
        ("556016-0680", "556016-0680"),
        ("5560160680", "556016-0680"),
        ("16556016-0680", "556016-0680"),
        ("SE556016068001", "556016-0680"),
        ("gb 123 456", "GB123456"),
    ],
)
def test_gives_one_spelling(text: str, spelling: str) -> None:
    assert business_id(text) == spelling


@pytest.mark.parametrize(
    "text", ["131052-308T", "010190-1234", "131052+308T", "010101A123N", "850709-9805", "19850709-9805"]
)
def test_refuses_the_number_of_a_person_and_does_not_repeat_it(text: str) -> None:
    with pytest.raises(InputError) as refused:
        business_id(text)
    assert text not in str(refused.value)
