"""Surveys on the preference page: reached from the link in a mail, answered once, nothing told to anybody else."""

import sqlalchemy as sa

from campaigns.content.catalogue import Catalogue
from campaigns.content.compile import compile_content
from campaigns.content.compose import recipient_fields
from campaigns.content.render import Renderer
from campaigns.register import surveys
from campaigns.register.survey_form import read_survey
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.content.material import BRAND, FACTS, VIEW
from tests.register.test_surveys import ASKED
from tests.support.register import TESTER, Register
from tests.web.place import client_for
from tests.web.test_preferences import path


def kept(register: Register) -> list[dict[str, str]]:
    with reading(register.engine) as connection:
        return list(connection.execute(sa.select(schema.survey_answer.c.answers)).scalars())


def test_from_the_page_behind_the_link_to_an_answer(register: Register) -> None:
    with writing(register.engine) as connection:
        survey = surveys.add(connection, read_survey(ASKED), "Europe/Helsinki", TESTER)
    client, here = client_for(register), f"{path(register)}?view=surveys"
    assert "Vad tycker du?" in client.get(path(register)).text
    before = register.contents()
    page = client.get(here).text
    assert register.contents() == before
    assert "skilda från ditt namn" in page
    assert all(words in page for words in ("Gillar du tidningen?", "I brevlådan", 'name="q-words"'))
    form = {"do": "answer", "survey": str(survey.id), "q-way": "post", "q-words": "<b>canaryword"}
    again = client.post(here, data=form).text
    assert "Svara på den här frågan." in again
    assert "&lt;b&gt;canaryword" in again
    assert kept(register) == []
    thanks = client.post(here, data={**form, "q-liked": "4"}).text
    assert "Tack för dina svar" in thanks
    assert kept(register) == [{"liked": "4", "way": "post", "words": "<b>canaryword"}]
    for _ in range(2):
        assert "Det finns inget att svara på" in client.post(here, data={**form, "q-liked": "1"}).text
    assert len(kept(register)) == 1
    assert "Gillar du tidningen?" in client.get(f"{path(register, 2)}?view=surveys").text


def test_a_newsletter_may_link_to_it() -> None:
    template = Catalogue().load("newsletter")
    sample = template.sample["merge_data"]
    assert isinstance(sample, dict)
    data = {**sample, "survey": "Svara på tre frågor"}
    made = Renderer(compile_content(template, "sv", data, BRAND, FACTS).content)
    link = f"{VIEW.preferences_url}?view=surveys"
    assert f'<a href="{link}"' in made.html(recipient_fields(VIEW))
    assert f"Svara på tre frågor:\n{link}" in made.text(recipient_fields(VIEW))
