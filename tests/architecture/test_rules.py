"""Every rule is seen to bite, in a tree made up for it, and to let its lawful neighbour pass."""

from collections.abc import Callable, Iterator

import pytest

from tests.architecture import import_rules, shape_rules, table_rules
from tests.architecture.test_house import RULES
from tests.architecture.tree import Tree, made_up

Rule = Callable[[Tree], Iterator[str]]

SCHEMA = 'import sqlalchemy as sa\ncontact = sa.Table("contact")\nbatch = sa.Table("batch")\n'
LONG = "def f() -> None:\n" + "    print()\n" * shape_rules.LINES_OF_A_FUNCTION
WIDE = "def f(" + ", ".join(f"a{n}: int" for n in range(shape_rules.ARGUMENTS + 1)) + ") -> None: ...\n"

CASES: list[tuple[Rule, dict[str, str], str]] = [
    (
        import_rules.upward_imports,
        {"campaigns__store__x": "import campaigns.register.y", "campaigns__register__y": ""},
        "not below",
    ),
    (
        import_rules.upward_imports,
        {"campaigns__content__x": "from campaigns.store import y", "campaigns__store__y": ""},
        "not below",
    ),
    (
        import_rules.upward_imports,
        {"campaigns__clock": "def f():\n import workers.x", "workers__x": ""},
        "not below",
    ),
    (
        import_rules.upward_imports,
        {"campaigns__x": "if TYPE_CHECKING:\n from campaigns.store.y import z", "campaigns__store__y": ""},
        "not below",
    ),
    (import_rules.upward_imports, {"campaigns__helpers__x": ""}, "no room campaigns.helpers"),
    (import_rules.impure_modules, {"campaigns__content__x": "import os.path"}, "campaigns.content.x is pure"),
    (
        import_rules.impure_modules,
        {"campaigns__feedback__x": "from campaigns.clock import y", "campaigns__clock": "import time"},
        "time",
    ),
    (import_rules.impure_modules, {"campaigns__delivery__replies": "import sqlalchemy"}, "sqlalchemy"),
    (
        import_rules.stray_libraries,
        {"campaigns__planning__x": "from dramatiq import actor"},
        "whose place is workers",
    ),
    (
        import_rules.stray_libraries,
        {"campaigns__register__x": "import socket"},
        "campaigns.delivery or workers",
    ),
    (import_rules.stray_libraries, {"workers__x": "import leftpad"}, "nowhere"),
    (
        import_rules.import_circles,
        {"campaigns__a": "import campaigns.b", "campaigns__b": "import campaigns.a"},
        "campaigns.a",
    ),
    (
        table_rules.doubly_written,
        {
            "campaigns__store__schema": SCHEMA,
            "campaigns__register__x": "sa.insert(schema.contact)",
            "campaigns__rights__y": "def f():\n table = schema.contact\n sa.update(table)",
        },
        "contact is written by campaigns.register.x, campaigns.rights.y",
    ),
    (
        table_rules.doubly_written,
        {
            "campaigns__store__schema": SCHEMA,
            "campaigns__register__x": "schema.contact.delete()",
            "campaigns__rights__y": 'execute("delete  from contact where id = 1")',
        },
        "contact is written by",
    ),
    (
        table_rules.doubly_written,
        {
            "campaigns__store__schema": SCHEMA,
            "campaigns__register__x": "insert_into(schema.contact, connection)",
            "campaigns__rights__y": "sa.insert(schema.contact)",
        },
        "contact is written by campaigns.register.x, campaigns.rights.y",
    ),
    (table_rules.idle_sharing, {"campaigns__store__schema": SCHEMA}, "which does not write it"),
    (
        table_rules.untold_writes,
        {"campaigns__store__schema": SCHEMA, "campaigns__register__x": "def f(table):\n sa.insert(table)"},
        "cannot be told",
    ),
    (shape_rules.long_files, {"workers__x": "\n" * (shape_rules.LINES_OF_A_FILE + 1)}, "lines"),
    (shape_rules.long_functions, {"workers__x": LONG}, "workers.x.f has"),
    (shape_rules.many_arguments, {"workers__x": WIDE}, "arguments"),
    (
        shape_rules.undocumented,
        {"workers__x": '"""Says."""\ndef f() -> None: ...'},
        "workers.x.f has no docstring",
    ),
    (shape_rules.undocumented, {"workers__x": "y = 1"}, "workers.x has no docstring"),
    (shape_rules.undocumented, {"workers__x": '"""Says."""\ndef _f(a) -> None: ...'}, "the type of a"),
    (
        shape_rules.environment_readers,
        {"workers__x": "import os\nos.environ['HOME']"},
        "reads the environment",
    ),
    (
        shape_rules.environment_readers,
        {"campaigns__x": "from os import getenv as g"},
        "reads the environment",
    ),
    (
        shape_rules.seal_breakers,
        {"campaigns__delivery__x": "from campaigns.register.clearance import _GATE_SEAL"},
        "seal",
    ),
    (shape_rules.seal_breakers, {"campaigns__delivery__x": "clearance._GATE_SEAL"}, "seal"),
    (shape_rules.seal_breakers, {"workers__x": "getattr(clearance, '_GATE_SEAL')"}, "seal"),
    (shape_rules.call_circles, {"workers__x": "def a():\n b()\ndef b():\n a()"}, "call each other"),
]

LAWFUL: list[tuple[Rule, dict[str, str]]] = [
    (
        import_rules.upward_imports,
        {"campaigns__register__x": "import campaigns.store.y", "campaigns__store__y": ""},
    ),
    (import_rules.upward_imports, {"workers__cli__x": "import workers.web.y", "workers__web__y": ""}),
    (import_rules.impure_modules, {"campaigns__feedback__apply": "import sqlalchemy"}),
    (import_rules.stray_libraries, {"workers__x": "import dramatiq, json, subprocess"}),
    (
        table_rules.doubly_written,
        {
            "campaigns__store__schema": SCHEMA,
            "campaigns__register__x": "t, now = schema.contact, 1\nsa.insert(t)\nsa.update(t)\ndigest.update(contact)",
            "campaigns__store__migrations__versions__y": "op.execute('UPDATE contact SET x = 1')",
        },
    ),
    (shape_rules.long_files, {"campaigns__store__migrations__versions__y": "\n" * 1000}),
    (shape_rules.environment_readers, {"workers__settings": "import os\nos.environ"}),
    (
        shape_rules.seal_breakers,
        {"campaigns__register__suppression": "from campaigns.register.clearance import _GATE_SEAL"},
    ),
    (shape_rules.call_circles, {"workers__x": "def a():\n a()\n b()\ndef b(): ..."}),
]


@pytest.mark.parametrize("rule, texts, words", CASES)
def test_a_violation_is_found(rule: Rule, texts: dict[str, str], words: str) -> None:
    found = list(rule(made_up(**texts)))
    assert any(words in line for line in found), found


@pytest.mark.parametrize("rule, texts", LAWFUL)
def test_the_lawful_passes(rule: Rule, texts: dict[str, str]) -> None:
    assert list(rule(made_up(**texts))) == []


def test_a_shared_table_is_allowed_only_as_it_is_written() -> None:
    tree = made_up(
        campaigns__store__schema=SCHEMA,
        campaigns__planning__x="sa.insert(schema.batch)",
        campaigns__delivery__y="sa.update(schema.batch)",
    )
    both = {"campaigns.planning.x": "makes them", "campaigns.delivery.y": "settles them"}
    assert list(table_rules.doubly_written(tree, {"batch": both})) == []
    assert list(table_rules.doubly_written(tree, {"batch": {"campaigns.planning.x": "makes them"}}))
    assert list(table_rules.idle_sharing(tree, {"batch": both})) == []
    assert len(list(table_rules.idle_sharing(tree, {"batch": {**both, "workers.z": "long gone"}}))) == 1


def test_every_rule_has_been_seen_to_bite() -> None:
    assert {rule for rule, _, _ in CASES} == set(RULES)
