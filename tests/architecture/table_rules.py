"""One writer per table: inserts, updates and deletes of a table appear in its owner, and nowhere else."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from tests.architecture.tree import Function, Module, Tree

WRITES = frozenset({"insert", "insert_into", "update", "delete"})
# Makes an insert of whatever table it is asked for; its callers are the writers.
TOOL = "campaigns.store.upsert"
RAW = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|COPY|TRUNCATE)\s+([a-z_]+)", re.IGNORECASE)
STORE = "campaigns.store"

# Tables that more than one module writes, and why it must be so. A line that is no longer true is an error as well.
SHARED = {
    "audit": {
        "campaigns.register.audit": "writes every entry",
        "campaigns.register.audit_chain": "seals it, and cuts the log at its beginning when its time is over",
    },
    "audit_value": {
        "campaigns.register.audit": "writes it with its entry, and redacts it",
        "campaigns.register.audit_chain": "deletes it with its entry",
    },
    "gate": {
        "campaigns.register.permit": "raises the epoch with every no",
        "campaigns.store.gate_triggers": "raises it from within the database, whoever changes what the gate looks at",
        "workers.restore": "halts a backup in the transaction that puts it back",
    },
    "account": {
        "campaigns.register.accounts": "writes every account",
        "workers.restore": "blanks the passwords of a backup in the transaction that puts it back",
    },
    "access_token": {
        "campaigns.register.access_tokens": "writes every token",
        "workers.restore": "revokes the tokens of a backup in the transaction that puts it back",
    },
    "contact": {
        "campaigns.register.contacts": "writes every person",
        "workers.restore": "leaves out the numbers that were given after the backup",
    },
    "campaign": {
        "campaigns.planning.campaign": "accepts it",
        "campaigns.planning.expansion": "opens it, in the transaction that writes its last rows",
        "campaigns.delivery.ledger": "closes it, in the transaction that settles its last row",
        "campaigns.planning.approval": "holds it until somebody else approves it",
        "campaigns.delivery.control": "holds and frees it on a person's word",
        "campaigns.delivery.restart": "holds it when the register was restored before its start",
        "campaigns.delivery.decisions": "opens it again for what a person has sent again",
        "campaigns.delivery.overdue": "holds it when its start was missed, closes it when its deadline passed",
    },
    "batch": {
        "campaigns.planning.expansion": "cuts it, in the transaction that writes its rows",
        "campaigns.delivery.ledger": "leases it and raises its watermark",
        "campaigns.delivery.recovery": "takes it from a dead owner",
        "campaigns.delivery.control": "closes it when its campaign is cancelled",
        "campaigns.delivery.restart": "fences it off when the register was restored",
        "campaigns.delivery.decisions": "opens it again for what a person has sent again",
        "campaigns.delivery.overdue": "takes it when its lease ran out, closes it when its deadline passed",
    },
    "delivery": {
        "campaigns.planning.expansion": "writes every row, once, a chunk per statement",
        "campaigns.delivery.ledger": "moves it along the table of statuses",
        "campaigns.delivery.results": "settles attempts in bulk",
        "campaigns.delivery.control": "cancels what waits, on a person's word",
        "campaigns.delivery.restart": "doubts what was open when the register was restored",
        "campaigns.delivery.decisions": "settles what is uncertain, on a person's word",
        "campaigns.delivery.overdue": "expires what waits when the deadline passed",
        "campaigns.delivery.one_person": "withholds what would be a second message to one person",
        "campaigns.delivery.moved_rows": "takes old addresses from rows whose person has moved",
    },
}

# What goes when its time is over goes from every table: these delete and blank, and write nothing new.
LETTING_GO = {
    "campaigns.rights.letting_go": "deletes and blanks what is due",
    "campaigns.rights.old_ledger": "deletes the rows of campaigns that are long over",
}

# Erasure goes by the personal-data map, whatever table that names; a new table is erased from its first day.
BY_THE_MAP = {
    "campaigns.rights.erasure": "deletes and blanks what is one person's",
    "campaigns.rights.letters": "blanks mail",
}

Names = Mapping[str, frozenset[str]]
Sharing = Mapping[str, Mapping[str, str]]


def doubly_written(tree: Tree, shared: Sharing = SHARED) -> Iterator[str]:
    """Tables with several writing modules, beyond those that are shared with a reason."""
    for table, found in sorted(writers_of_tables(tree).items()):
        writers = found - set(LETTING_GO) - set(BY_THE_MAP)
        if len(writers) > 1 and not writers <= set(shared.get(table, ())):
            yield f"{table} is written by {', '.join(sorted(writers))}"


def idle_sharing(tree: Tree, shared: Sharing = SHARED) -> Iterator[str]:
    """Permissions to share a table that nobody uses any more."""
    writers = writers_of_tables(tree)
    for table, allowed in shared.items():
        for module in sorted(set(allowed) - writers.get(table, set())):
            yield f"{table} is said to be shared by {module}, which does not write it"


def untold_writes(tree: Tree) -> Iterator[str]:
    """Writes whose table this file cannot tell; write `schema.<table>`, or name it first."""
    tables = tables_of(tree)
    for module in writing_modules(tree):
        for line, found in writes(module, tables):
            if found is None and module.name not in BY_THE_MAP:
                yield f"{module.name}:{line} writes a table that cannot be told from the text"


def writers_of_tables(tree: Tree) -> dict[str, set[str]]:
    """For every table, the modules that write it."""
    tables, found = tables_of(tree), defaultdict(set)
    for module in writing_modules(tree):
        for _, written in writes(module, tables):
            for table in written or ():
                found[table].add(module.name)
    return dict(found)


def writing_modules(tree: Tree) -> Iterator[Module]:
    """All modules but migrations, which change what is there by their nature, and the tool that others write with."""
    return (module for module in tree.values() if not module.is_migration and module.name != TOOL)


def tables_of(tree: Tree) -> frozenset[str]:
    """The tables of the schema: `name = sa.Table("name", …)` anywhere in the store."""
    found = set()
    for module in tree.values():
        if module.name.startswith(STORE) and not module.is_migration:
            for node in ast.walk(module.syntax):
                if isinstance(node, ast.Call) and last_name(node.func) == "Table" and node.args:
                    found.add(str(ast.literal_eval(node.args[0])))
    return frozenset(found)


def writes(module: Module, tables: frozenset[str]) -> Iterator[tuple[int, frozenset[str] | None]]:
    """Line and tables of every write in a module; None where the table cannot be told."""
    for scope in (module.syntax, *(function for _, function in module.functions())):
        aliases = names_for_tables(scope, tables)
        for node in own_nodes(scope):
            if isinstance(node, ast.Call):
                yield from written_by_call(node, aliases, tables)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                raw = frozenset(name.lower() for name in RAW.findall(node.value)) & tables
                if raw:
                    yield node.lineno, raw


def written_by_call(
    call: ast.Call, aliases: Names, tables: frozenset[str]
) -> Iterator[tuple[int, frozenset[str] | None]]:
    """What `insert(table)`, `insert_into(table, …)`, `sa.update(schema.table)` or `table.delete()` writes."""
    if last_name(call.func) not in WRITES:
        return
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    on_table = table_named(owner, aliases, tables) if owner is not None else None
    if on_table is not None:
        yield call.lineno, on_table
    elif call.args and (
        owner is None or last_name(owner) in {"sa", "sqlalchemy", "postgresql", "sqlite", "bulk"}
    ):
        yield call.lineno, table_named(call.args[0], aliases, tables)


def names_for_tables(scope: ast.AST, tables: frozenset[str]) -> Names:
    """Local names that stand for tables: `table = schema.x`, and pairs of such."""
    found: dict[str, frozenset[str]] = {}
    for node in own_nodes(scope):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            for target, value in pairs(node.targets[0], node.value):
                named = table_named(value, found, tables)
                if isinstance(target, ast.Name) and named:
                    found[target.id] = found.get(target.id, frozenset()) | named
    return found


def pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Targets with their values, tuples taken apart."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        yield from zip(target.elts, value.elts, strict=False)
    else:
        yield target, value


def table_named(node: ast.expr, aliases: Names, tables: frozenset[str]) -> frozenset[str] | None:
    """The table that an expression is: `schema.x`, an imported `x`, an alias, or `x.alias()`."""
    if isinstance(node, ast.Name) and node.id in aliases:
        return aliases[node.id]
    if (
        isinstance(node, ast.Call)
        and last_name(node.func) == "alias"
        and isinstance(node.func, ast.Attribute)
    ):
        return table_named(node.func.value, aliases, tables)
    name = last_name(node)
    return frozenset({name}) if name in tables else None


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope without those of functions inside it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, Function):
            yield child
            yield from own_nodes(child)


def last_name(node: ast.AST) -> str:
    """`c` of `a.b.c`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
