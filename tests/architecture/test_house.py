"""The rules on the real tree: nothing here may be found."""

from collections.abc import Callable, Iterator

import pytest

from tests.architecture import import_rules, shape_rules, table_rules
from tests.architecture.tree import Tree, read_tree

RULES = [
    import_rules.upward_imports,
    import_rules.impure_modules,
    import_rules.stray_libraries,
    import_rules.import_circles,
    table_rules.doubly_written,
    table_rules.idle_sharing,
    table_rules.untold_writes,
    shape_rules.long_files,
    shape_rules.long_functions,
    shape_rules.many_arguments,
    shape_rules.undocumented,
    shape_rules.environment_readers,
    shape_rules.seal_breakers,
    shape_rules.call_circles,
]


@pytest.fixture(scope="module")
def tree() -> Tree:
    return read_tree()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_its_rules(rule: Callable[[Tree], Iterator[str]], tree: Tree) -> None:
    violations = sorted(set(rule(tree)))
    assert not violations, "\n" + "\n".join(violations)


def test_the_tree_is_the_real_one(tree: Tree) -> None:
    assert {"campaigns.register.suppression", "campaigns.register.clearance", "workers.settings"} <= set(tree)
    assert {"contact", "delivery", "suppression"} <= table_rules.tables_of(tree)


def test_the_named_modules_exist(tree: Tree) -> None:
    places = [*(place for place in import_rules.PURE if place.count(".") == 2), *import_rules.NOT_PURE]
    assert [place for place in places if place not in tree] == []
