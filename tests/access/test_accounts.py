"""Accounts prove who they are, are locked when somebody guesses, and end at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest
import sqlalchemy as sa
import time_machine
from argon2 import PasswordHasher

from campaigns.clock import utc_now
from campaigns.errors import InputError, NotAllowed, RefusedOperation
from campaigns.principal import Level, Principal
from campaigns.register import access_tokens, accounts
from campaigns.register.accounts import LOCK_AFTER, NewAccount, PasswordRules
from campaigns.store import schema
from campaigns.store.engine import reading, writing
from tests.support.register import TESTER, Register

FIRST, OWN, WRONG = "the first secret", "a secret of my own", "not it, not it"
NO_RULES = PasswordRules()


def added(register: Register, name: str = "anna", level: Level = Level.EDITOR) -> None:
    with writing(register.engine) as connection:
        accounts.add(connection, NewAccount(name, level, FIRST), TESTER)
    accounts.prove(register.engine, name, FIRST, NO_RULES, new_password=OWN)


def proven(register: Register, password: str = OWN, rules: PasswordRules = NO_RULES) -> Principal | None:
    try:
        return accounts.prove(register.engine, "anna", password, rules)
    except NotAllowed:
        return None


def test_a_first_password_opens_nothing_but_the_change_of_it(sqlite_register: Register) -> None:
    with writing(sqlite_register.engine) as connection:
        accounts.add(connection, NewAccount("anna", Level.EDITOR, FIRST), TESTER)
    with pytest.raises(NotAllowed, match="has to be changed"):
        accounts.prove(sqlite_register.engine, "anna", FIRST, NO_RULES)
    with pytest.raises(InputError, match="is the old one"):
        accounts.prove(sqlite_register.engine, "anna", FIRST, NO_RULES, new_password=FIRST)
    anna = accounts.prove(sqlite_register.engine, "anna", FIRST, NO_RULES, new_password=OWN)
    assert anna == Principal("account:anna", Level.EDITOR) == proven(sqlite_register)
    assert proven(sqlite_register, FIRST) is None


def test_passwords_are_kept_as_argon2id_and_age(sqlite_register: Register) -> None:
    added(sqlite_register)
    with reading(sqlite_register.engine) as connection:
        (kept,) = connection.execute(sa.select(schema.account.c.password_hash)).scalars()
    assert kept.startswith("$argon2id$")
    old = PasswordRules(timedelta(days=30))
    assert proven(sqlite_register, rules=old)
    with time_machine.travel(utc_now() + timedelta(days=31), tick=True):
        assert proven(sqlite_register, rules=old) is None
        accounts.prove(sqlite_register.engine, "anna", OWN, old, new_password="another of my own")
        assert proven(sqlite_register, "another of my own", old)


def test_guessing_locks_the_account_twice_as_long_each_time(sqlite_register: Register) -> None:
    added(sqlite_register)
    for _ in range(LOCK_AFTER):
        assert proven(sqlite_register, WRONG) is None
    assert proven(sqlite_register) is None
    now = utc_now()
    with time_machine.travel(now + timedelta(seconds=62), tick=True):
        assert proven(sqlite_register, WRONG) is None
    with time_machine.travel(now + timedelta(seconds=62 + 62), tick=True):
        assert proven(sqlite_register) is None
    with time_machine.travel(now + timedelta(seconds=62 + 124), tick=True):
        assert proven(sqlite_register)
        assert proven(sqlite_register, WRONG) is None
        assert proven(sqlite_register)


def test_many_guesses_at_once_are_counted_one_by_one(register: Register) -> None:
    added(register)
    with ThreadPoolExecutor(8) as pool:
        guesses = list(pool.map(lambda number: proven(register, WRONG if number < 9 else OWN), range(10)))
    assert guesses[:9] == [None] * 9
    assert proven(register) is None
    with reading(register.engine) as connection:
        assert connection.execute(sa.select(schema.account.c.failures)).scalar_one() >= LOCK_AFTER


def test_a_name_is_given_once(sqlite_register: Register) -> None:
    added(sqlite_register)
    with writing(sqlite_register.engine) as connection:
        accounts.disable(connection, "account:anna", TESTER)
        with pytest.raises(RefusedOperation, match="not shared or used again"):
            accounts.add(connection, NewAccount("anna", Level.READER, FIRST), TESTER)
        for name, password in (
            ("Anna", FIRST),
            ("", FIRST),
            ("eero", "short"),
            ("eero", "eero" * 5),
            ("bo", "a" * 20),
        ):
            with pytest.raises(InputError):
                accounts.add(connection, NewAccount(name, Level.READER, password), TESTER)
    assert proven(sqlite_register) is None


def test_a_token_is_kept_as_a_hash_expires_and_ends_with_its_account(sqlite_register: Register) -> None:
    added(sqlite_register)
    wanted = access_tokens.NewToken("account:anna", timedelta(days=1))
    with writing(sqlite_register.engine) as connection:
        first, second = (access_tokens.issue(connection, wanted, TESTER) for _ in range(2))
        assert access_tokens.bearer(connection, first) == Principal("account:anna", Level.EDITOR)
        accounts.set_level(connection, "account:anna", Level.READER, TESTER)
        assert access_tokens.bearer(connection, first) == Principal("account:anna", Level.READER)
        assert access_tokens.revoke(connection, 1, TESTER)
        assert access_tokens.bearer(connection, first) is None
        with time_machine.travel(utc_now() + timedelta(days=1, minutes=1), tick=False):
            assert access_tokens.bearer(connection, second) is None
        assert access_tokens.bearer(connection, second)
        accounts.disable(connection, "account:anna", TESTER)
        assert access_tokens.bearer(connection, second) is None
        assert access_tokens.listing(connection, TESTER) == []
    everything = repr(sqlite_register.contents())
    assert first not in everything
    assert second not in everything


def test_a_token_cannot_outlast_two_years_or_have_a_scope_nobody_knows(sqlite_register: Register) -> None:
    added(sqlite_register)
    with writing(sqlite_register.engine) as connection:
        for lasts, scope in ((timedelta(days=731), None), (timedelta(0), None), (timedelta(1), ["fly"])):
            with pytest.raises(InputError):
                access_tokens.issue(connection, access_tokens.NewToken("account:anna", lasts, scope), TESTER)


def test_a_token_makes_no_wider_one_and_none_for_another_person(sqlite_register: Register) -> None:
    added(sqlite_register)
    added(sqlite_register, "boss", Level.ADMINISTRATOR)
    boss = Principal("account:boss", Level.ADMINISTRATOR)
    narrow = replace(boss, scope=frozenset({"token_manage", "campaign_see"}))
    day = timedelta(days=1)
    with writing(sqlite_register.engine) as connection:
        accounts.add(connection, NewAccount("shop", Level.SENDER, kind="service"), TESTER)
        for scope in (None, [], ["token_manage", "account_manage"], ["campaign_submit"]):
            for account in ("account:boss", "service:shop"):
                with pytest.raises(NotAllowed, match="wider"):
                    access_tokens.issue(connection, access_tokens.NewToken(account, day, scope), narrow)
        wanted = access_tokens.NewToken("account:anna", day, ["campaign_see"])
        for principal in (boss, narrow):
            with pytest.raises(NotAllowed, match="stands for account:anna"):
                access_tokens.issue(connection, wanted, principal)
        token = access_tokens.issue(
            connection, access_tokens.NewToken("service:shop", day, ["campaign_see"]), narrow
        )
        assert access_tokens.bearer(connection, token)
        for account in ("account:boss", "service:shop"):
            assert access_tokens.issue(connection, access_tokens.NewToken(account, day), boss)


def test_a_new_password_ends_log_ins_and_leaves_the_tokens_of_programs(sqlite_register: Register) -> None:
    added(sqlite_register)
    anna, another = Principal("account:anna", Level.EDITOR), "another of my own"
    with writing(sqlite_register.engine) as connection:
        program = access_tokens.issue(
            connection, access_tokens.NewToken("account:anna", timedelta(days=1)), TESTER
        )
        log_in = access_tokens.log_in(connection, anna, timedelta(hours=8))
    accounts.prove(sqlite_register.engine, "anna", OWN, NO_RULES, new_password=another)
    with writing(sqlite_register.engine) as connection:
        assert access_tokens.bearer(connection, log_in) is None
        assert access_tokens.bearer(connection, program) == anna
        log_in = access_tokens.log_in(connection, anna, timedelta(hours=8))
        accounts.set_first_password(connection, "account:anna", FIRST, TESTER)
        assert access_tokens.bearer(connection, log_in) is None
        assert access_tokens.bearer(connection, program) == anna


def test_a_name_that_nobody_has_costs_what_a_wrong_password_costs(sqlite_register: Register) -> None:
    """Not timed, since machines are busy: one hash is verified for either, under the same parameters, and none made."""
    added(sqlite_register)
    assert not PasswordHasher().check_needs_rehash(accounts.NOBODYS_HASH)
    verified: list[str] = []

    class Watched(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 (its name)
            verified.append(str(hash))
            return super().verify(hash, password)

        def hash(self, *_: object, **__: object) -> str:
            raise AssertionError("a hash is made")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", Watched)
        for name in ("anna", "nobody"):
            with pytest.raises(NotAllowed):
                accounts.prove(sqlite_register.engine, name, WRONG, NO_RULES)
    assert verified[1:] == [accounts.NOBODYS_HASH]
    assert len(verified) == 2
