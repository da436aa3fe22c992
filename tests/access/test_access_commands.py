"""The commands in the name of an account: log in, act, be cut off."""

from pathlib import Path

import pytest

from tests.cli.place import Place

FIRST, OWN = "the first secret", "a secret of my own"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.answer("init")
    return made


def logged_in(place: Place, name: str, level: str) -> Place:
    """The same folder, where commands come from an account."""
    place.answer("accounts", "add", name, "--level", level, "--password-stdin", given=FIRST + "\n")
    given = f"{FIRST}\n{OWN}\n"
    done = place.answer("login", name, "--new-password", "--password-stdin", given=given)
    assert Path(done["file"]).stat().st_mode & 0o777 == 0o600
    return Place(place.folder, {"UTSKICK_TOKEN": done["file"]})


def test_whoever_logged_in_acts_in_their_own_name_and_within_their_level(place: Place) -> None:
    anna = logged_in(place, "anna", "editor")
    anna.answer("lists", "add", "news", "--kind", "newsletter", "--name", "News")
    (entry,) = place.answer("audit", "list", "--tag", "register:list")["entries"]
    assert entry["principal"] == "account:anna"
    for command in (("audit", "list"), ("accounts", "list"), ("halt",), ("accounts", "disable", "anna")):
        assert "account:anna may not" in anna.refusal(1, *command)[0], command
    assert anna.answer("campaigns", "list") == {"campaigns": []}


def test_a_leaver_is_cut_off_at_once(place: Place) -> None:
    anna = logged_in(place, "anna", "sender")
    assert anna.answer("campaigns", "list") == {"campaigns": []}
    assert place.answer("accounts", "disable", "anna") == {"account": "anna", "held": [], "stopped": []}
    assert "is worth nothing" in anna.refusal(1, "campaigns", "list")[0]
    wrong = place.refusal(1, "login", "anna", "--password-stdin", given=OWN + "\n")
    assert wrong == ["name or password is wrong, or the account is locked; wait and try again"]


def test_a_token_file_that_others_can_read_is_refused(place: Place) -> None:
    anna = logged_in(place, "anna", "reader")
    Path(anna.settings["UTSKICK_TOKEN"]).chmod(0o644)
    assert "can be read by others" in anna.refusal(1, "campaigns", "list")[0]


def test_services_get_tokens_and_no_password(place: Place) -> None:
    place.answer("accounts", "add", "shop", "--service", "--level", "sender")
    token = place.answer("tokens", "add", "service:shop", "--scope", "campaign_see")["token"]
    (shown,) = place.answer("tokens", "list")["tokens"]
    assert token not in repr(shown)
    assert (shown["account"], shown["scope"]) == ("service:shop", ["campaign_see"])
    assert place.answer("tokens", "revoke", str(shown["token"])) == {"revoked": shown["token"]}
    assert place.answer("tokens", "list") == {"tokens": []}
    assert "no such operation" in place.refusal(1, "tokens", "add", "service:shop", "--scope", "fly")[0]
    assert "is a service" in place.refusal(
        1, "accounts", "password", "service:shop", "--password-stdin", given=FIRST
    )[0]  # fmt: skip


def test_accounts_are_listed_with_their_levels(place: Place) -> None:
    logged_in(place, "anna", "editor")
    place.answer("accounts", "level", "anna", "approver")
    (anna,) = place.answer("accounts", "list")["accounts"]
    assert (anna["account"], anna["level"], anna["disabled_at"]) == ("account:anna", "approver", None)
    assert "there is no level boss" in place.refusal(1, "accounts", "level", "anna", "boss")[0]
