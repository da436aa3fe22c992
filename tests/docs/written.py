"""The pages of the documentation that are written from the code: commands and settings.

`make docs` (or `python -m tests.docs`) writes them; a test fails when they are stale.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from campaigns.access import MATRIX
from campaigns.principal import Level
from tests.architecture.tree import ROOT
from workers.cli import app
from workers.settings import Settings
from workers.settings_faults import PREFIX

DOCS = ROOT / "docs"
_NOTE = "<!-- Written from the code by `make docs`; edits here are lost. -->"
_ABOUT_COMMANDS = """\
Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings, 130 stopped by Ctrl-C; 3 only from `contacts import
--strict`, which took some rows and refused others. With `--json`, standard output holds one JSON
object, also on failure (`{"error": …, "faults": [{"where", "problem"}]}`); logs and complaints go to standard error.
"""
_ABOUT_SETTINGS = f"""\
They stand in `utskick.toml` in the folder where commands run (`utskick.example.toml` is a complete one), or in the
environment: `{PREFIX}` and the path in capitals, two underscores for each dot; the environment wins. `KEY` is a
name of your own (a-z, 0-9, hyphens). Unknown names are faults, and all faults are told at once (exit 2).
`{PREFIX}SMARTHOST` stands for `smarthosts.main.url`.
"""
_ABOUT_ACCESS = """\
What is not allowed here is denied, by the functions that do it, whichever way a call comes. Accounts and services have
one of the levels up to `reporter`; `host` is whoever owns the secrets folder, `process` the system's own work,
`contact` a person using a link of their own message (and only for themselves). The names before the colons narrow
tokens (`utskick tokens add --scope`). How to work with them: [access](../access.md).
"""
_KEY = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
_EXAMPLE = ROOT / "utskick.example.toml"


def commands() -> str:
    """Every command with its help."""
    text = app.generate_docs(output_format="markdown", recursive=True)
    text = re.sub(
        r"^(utskick [a-z ]*) -m [\w.]+", r"\1", text, flags=re.MULTILINE
    )  # how this program was called
    text = text.replace("# utskick\n", f"# Commands\n\n{_NOTE}\n\n{_ABOUT_COMMANDS}", 1)
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip() + "\n"


def settings() -> str:
    """Every setting: its name in the file and in the environment, what it may be, its default, what it is for."""
    schema = Settings.model_json_schema()
    said = explanations(_EXAMPLE.read_text())
    lines = [
        "# Settings",
        "",
        _NOTE,
        "",
        _ABOUT_SETTINGS,
    ]
    for table, properties, required in tables(schema, schema, ""):
        lines += [f"## `[{table}]`" if table else "## At the top", ""]
        if note := said.get(table):
            lines += [note, ""]
        lines += ["| setting | what it may be | default |", "|---|---|---|"]
        for name, shape in properties.items():
            default = "must be set" if name in required else f"`{_default(shape)}`"
            note = said.get(f"{table}.{name}" if table else name, "")
            lines.append(f"| `{name}` | {_form(shape)}{'. ' + note if note else ''} | {default} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def access() -> str:
    """Who may do what: the matrix of the code."""
    levels = list(Level)
    lines = ["# Who may do what", "", _NOTE, "", _ABOUT_ACCESS]
    lines += [f"| operation | {' | '.join(level.replace('_', ' ') for level in levels)} |"]
    lines += ["|---" * (len(levels) + 1) + "|"]
    for operation, allowed in MATRIX.items():
        cells = ["yes" if level in allowed else "" for level in levels]
        lines.append(f"| `{operation.name.lower()}`: {operation.value} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def tables(
    schema: Mapping[str, Any], table: Mapping[str, Any], path: str
) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Every table of the settings: its path, its plain settings, and which of them must be set."""
    plain, below = {}, []
    for name, shape in table["properties"].items():
        inner, keyed = _table_inside(schema, shape)
        if inner is None:
            plain[name] = shape
        else:
            below.append((inner, f"{path}.{name}".lstrip(".") + (".KEY" if keyed else "")))
    if plain:
        yield path, plain, table.get("required", [])
    for inner, place in below:
        yield from tables(schema, inner, place)


def explanations(example: str) -> dict[str, str]:
    """By path (keys as KEY): the comment that stands right above a setting or table in the example file."""
    found: dict[str, str] = {}
    table = ""
    comment: list[str] = []
    for line in example.splitlines():
        if head := re.fullmatch(r"(?:# )?\[([\w.\"-]+)\]", line):
            table = _with_key(head[1])
            found.setdefault(table, " ".join(comment))
            comment = []
        elif setting := re.match(r"(?:# )?([a-z_]+) = [^#]*(?:# (.*))?", line):
            path = f"{table}.{setting[1]}" if table else setting[1]
            found.setdefault(path, setting[2] or " ".join(comment))
            comment = []
        elif line.startswith("# "):
            comment.append(line[2:])
        else:
            comment = []
    return found


PAGES: Mapping[Path, Callable[[], str]] = {
    DOCS / "reference" / "commands.md": commands,
    DOCS / "reference" / "settings.md": settings,
    DOCS / "reference" / "access.md": access,
}


def _table_inside(schema: Mapping[str, Any], shape: Mapping[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The table that a setting is, or holds by key; None for a plain value."""
    for part in (shape, *shape.get("anyOf", ())):
        values = [*part.get("patternProperties", {}).values(), part.get("additionalProperties")]
        keyed = next((value for value in values if isinstance(value, dict) and "$ref" in value), None)
        reference = part.get("$ref") or (keyed or {}).get("$ref")
        if reference:
            found: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
            return found, keyed is not None
    return None, False


def _form(shape: Mapping[str, Any]) -> str:
    kinds = [part for part in shape.get("anyOf", [shape]) if part.get("type") != "null"]
    return " or ".join(dict.fromkeys(_one_form(kind) for kind in kinds))


def _one_form(kind: Mapping[str, Any]) -> str:
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    words = {"password": "text, kept out of logs", "path": "a path", "date": "a date"}
    text = words.get(kind.get("format", ""), kind.get("type", "text")).replace("string", "text")
    if text == "array":
        text = f"a list of {_form(kind['items'])}" if "items" in kind else "a list"
    bounds = [
        f"{word} {kind[name]:g}"
        for name, word in (
            ("minimum", "from"),
            ("exclusiveMinimum", "more than"),
            ("maximum", "to"),
            ("exclusiveMaximum", "less than"),
        )
        if name in kind
    ]
    if kind.get("pattern") == _KEY:
        text = "a key"
    elif "pattern" in kind:
        bounds.append(f"`{kind['pattern']}`".replace("|", "\\|"))
    return " ".join([text, *bounds])


def _default(shape: Mapping[str, Any]) -> str:
    default = shape.get("default")
    if default == "**********":
        return "embedded"
    return (
        "not set" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
    )


def _with_key(table: str) -> str:
    """The path of a table of the example, with the names that an installation chooses as KEY."""
    first, *rest = re.findall(r"\"[^\"]+\"|[\w-]+", table)
    if first in {"smarthosts", "processors", "senders", "print_houses", "webhooks", "dkim"} and rest:
        rest[0] = "KEY"
    if first == "limits" and rest[1:]:
        rest[1] = "KEY"
    return ".".join((first, *rest))
