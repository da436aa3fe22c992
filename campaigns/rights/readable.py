"""A dossier for reading: as a page (HTML), as a document (PDF), as tables (CSV).

Promise: everything that the dossier holds is in each of them, as text: what people wrote can neither run nor break the
form (markup is escaped, a formula is none, a control character is shown as a space).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from campaigns.content.language import Language
from campaigns.register.cells import safe_cell
from campaigns.rights.words import RIGHTS, word
from campaigns.store import data_map, schema

Rows = Sequence[Mapping[str, Any]]
Section = tuple[str, Rows]


def sections(dossier: Mapping[str, Any], language: Language) -> Iterator[Section]:
    """The dossier as titled tables, in the order in which they are read."""
    yield word("What we sent you, and why", language), dossier["sends"]
    yield word("Who received your data", language), dossier["recipients"]
    kept = [
        {
            "kind": word(it["kind"], language),
            "purpose": ", ".join(word(purpose, language) for purpose in it["purposes"]),
            "until": f"{it['kept_days']} {word('days', language)}"
            if it["kept_days"]
            else word("as long as needed", language),
        }
        for it in dossier["held"]
    ]
    yield word("Why and for how long", language), kept
    for name, rows in dossier["records"].items():
        yield f"{word('What we hold', language)}: {_title(name, language)}", rows


def as_html(dossier: Mapping[str, Any], language: Language) -> bytes:
    """The page: complete in itself, no script, nothing from elsewhere."""
    title = word("Your data", language)
    parts = [
        f'<!doctype html>\n<html lang="{language}">\n<head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n<h1>{escape(title)}</h1>",
        "<dl>"
        + "".join(f"<dt>{escape(n)}</dt><dd>{escape(v)}</dd>" for n, v in _head(dossier, language))
        + "</dl>",
    ]
    for heading, rows in sections(dossier, language):
        parts.append(f"<h2>{escape(heading)}</h2>")
        parts.append(_html_table(rows, language) if rows else f"<p>{escape(word('nothing', language))}</p>")
    parts.append(f"<h2>{escape(word('Your rights', language))}</h2>\n<p>{escape(RIGHTS[language])}</p>")
    return "\n".join([*parts, "</body></html>\n"]).encode()


def as_pdf(dossier: Mapping[str, Any], language: Language) -> bytes | None:
    """The document, made by typst without any file of this machine's; None where typst is not installed."""
    try:
        import typst
    except ImportError:
        return None
    title = _typst(word("Your data", language))
    lines = [
        f'#set text(lang: "{language}", size: 9pt)',
        '#set page(margin: 2cm, numbering: "1")',
        f"#set document(title: {title})\n#heading({title})",
        *(f"#strong({_typst(f'{name}: ')})#{_typst(value)} \\" for name, value in _head(dossier, language)),
    ]
    for heading, rows in sections(dossier, language):
        lines.append(f"#heading(level: 2, {_typst(heading)})")
        lines += [_typst_grid(row, language) for row in rows] or [f"#{_typst(word('nothing', language))}"]
    lines.append(f"#heading(level: 2, {_typst(word('Your rights', language))})\n#{_typst(RIGHTS[language])}")
    made: bytes = typst.compile("\n".join(lines).encode(), format="pdf")
    return made


def as_tables(dossier: Mapping[str, Any]) -> dict[str, bytes]:
    """A table for each kind of record, by file name."""
    tables = {"sends": dossier["sends"], "recipients": dossier["recipients"], **dossier["records"]}
    return {f"{name}.csv": _csv(rows) for name, rows in tables.items() if rows}


def as_json(value: Mapping[str, Any]) -> bytes:
    """For machines, whole."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _head(dossier: Mapping[str, Any], language: Language) -> list[tuple[str, str]]:
    controller = dossier["controller"]
    address = ", ".join(
        it for name in ("name", "street", "postal_code", "city", "country") if (it := controller.get(name))
    )
    reached = ", ".join(it for name in ("contact_person", "email", "phone") if (it := controller.get(name)))
    named = (("Register", dossier["register"]), ("Controller", address), ("Contact person", reached))
    return [(word(name, language), value) for name, value in (*named, ("Made", dossier["made_at"]))]


def _title(table: str, language: Language) -> str:
    record = data_map.record_of(schema.metadata.tables[table])
    return word(record.kind, language) if record else table


def _html_table(rows: Rows, language: Language) -> str:
    out = []
    for row in rows:
        cells = "".join(
            f"<tr><th>{escape(word(name, language))}</th><td>{escape(_text(value, language))}</td></tr>"
            for name, value in row.items()
            if value is not None
        )
        out.append(f"<table>{cells}</table>")
    return "\n".join(out)


def _csv(rows: Rows) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(safe_cell(_text(row.get(name), "en")) for name in names)
    return text.getvalue().encode("utf-8-sig")


def _text(value: Any, language: Language) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        pairs = ((word(str(name), language), it) for name, it in value.items() if it is not None)
        return "; ".join(f"{name}: {_text(it, language)}" for name, it in pairs)
    if isinstance(value, list):
        return " | ".join(_text(it, language) for it in value)
    return _CONTROL.sub(" ", str(value))


def _typst_grid(row: Mapping[str, Any], language: Language) -> str:
    shown = [
        (word(name, language), _text(value, language)) for name, value in row.items() if value is not None
    ]
    cells = ", ".join(f"{_typst(name)}, {_typst(value)}" for name, value in shown)
    return f"#block(below: 1em, grid(columns: (25%, 75%), row-gutter: 3pt, {cells}))"


def _typst(text: str) -> str:
    """A string literal of typst: nothing in it is markup."""
    shown = (
        _CONTROL.sub(" ", text)
        .replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("\n", "\\n")
        .replace("\t", " ")
    )
    return f'"{shown}"'


_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_STYLE: Final = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111}"
    "table{border-collapse:collapse;width:100%;margin:0 0 1rem}th,td{text-align:left;vertical-align:top;"
    "padding:.2rem .6rem;border-bottom:1px solid #ccc;overflow-wrap:anywhere}th{width:30%;font-weight:600}"
    "dt{font-weight:600}dd{margin:0 0 .5rem}"
)
