"""The templates folder on disk: the only module of the content engine that reads files.

    templates/<key>/template.mjml     the message, MJML with two levels of Jinja tags
    templates/<key>/text.txt          its written plain-text alternative
    templates/<key>/template.toml     name, kind, description, and [merge_data]: each field a description,
                                      or { description = "…", required = true }
    templates/<key>/sample.json       subject per language and merge data, for previews and checks
    templates/<key>/strings/<l>.toml  optional: strings of this template, laid over the shared ones
    templates/<key>/assets/*          pictures, PNG or JPEG
    templates/partials/*.mjml|*.txt   shared pieces, `[% include "partials/footer.mjml" %]`
    templates/strings/<l>.toml        shared strings, seen by templates as `t`

A template is read whole, so that nothing later touches the disk and no path in a template can leave the folder.
Fails with TemplateFault naming the file; an unknown key is NotFound.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from campaigns.content.language import LANGUAGES, Language
from campaigns.content.model import RECIPIENT_FIELDS, Kind, MergeField, TemplateSource
from campaigns.errors import NotFound, TemplateFault

MAX_FILE: Final = 400_000
MAX_ASSET: Final = 2_000_000
RESERVED_NAMES: Final = (
    frozenset(("t", "controller", "campaign", "asset", "range", *LANGUAGES)) | RECIPIENT_FIELDS
)

_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,40}").fullmatch
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,40}").fullmatch
_MAGIC: Final = {".png": b"\x89PNG\r\n\x1a\n", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff"}


def templates_folder() -> Path:
    """Where this installation keeps its templates: beside the package in a wheel, in the root of a checkout."""
    beside = Path(__file__).resolve().parents[2]
    shipped = beside / "utskick_templates"
    return shipped if shipped.is_dir() else beside / "templates"


class Catalogue:
    """The templates of one folder."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or templates_folder()

    def keys(self) -> tuple[str, ...]:
        """The keys of all templates, sorted."""
        return tuple(sorted(path.parent.name for path in self.root.glob("*/template.toml")))

    def load(self, key: str) -> TemplateSource:
        """The template of that key, read whole. Raises NotFound, or TemplateFault for a folder that is not
        complete."""
        if not _KEY(key) or key not in self.keys():
            raise NotFound(f"there is no template {key!r}; there are {', '.join(self.keys()) or 'none'}")
        about = self._toml(f"{key}/template.toml")
        return TemplateSource(
            key=key,
            name=self._word(about, "name", key),
            kind=self._kind(about, key),
            description=self._word(about, "description", key),
            merge_fields=self._merge_fields(about, key),
            files=self._files(key),
            strings={language: self._strings(key, language) for language in LANGUAGES},
            assets=self._assets(key),
            sample=self._sample(key),
        )

    def _read(self, name: str) -> str:
        path = self.root / name
        try:
            if path.stat().st_size > MAX_FILE:
                raise TemplateFault(f"is larger than {MAX_FILE} bytes", file=name)
            return path.read_text("utf-8")
        except UnicodeDecodeError:
            raise TemplateFault("is not UTF-8", file=name) from None
        except OSError as error:
            raise TemplateFault(f"cannot be read: {error.strerror}", file=name) from None

    def _toml(self, name: str) -> dict[str, object]:
        try:
            return tomllib.loads(self._read(name))
        except tomllib.TOMLDecodeError as error:
            line, column = _toml_place(str(error))
            raise TemplateFault(str(error), file=name, line=line, column=column) from None

    def _word(self, about: Mapping[str, object], field: str, key: str) -> str:
        word = about.get(field)
        if not isinstance(word, str) or not word.strip():
            raise TemplateFault(f"{field} must be a text", file=f"{key}/template.toml")
        return word

    def _kind(self, about: Mapping[str, object], key: str) -> Kind:
        kind = about.get("kind")
        if kind == "newsletter" or kind == "magazine":  # noqa: PLR1714 - narrows the type
            return kind
        raise TemplateFault("kind must be newsletter or magazine", file=f"{key}/template.toml")

    def _merge_fields(self, about: Mapping[str, object], key: str) -> dict[str, MergeField]:
        declared = about.get("merge_data", {})
        file = f"{key}/template.toml"
        if not isinstance(declared, dict):
            raise TemplateFault("merge_data must be a table", file=file)
        fields = {}
        for name, value in declared.items():
            if not _NAME(name) or name in RESERVED_NAMES:
                raise TemplateFault(f"merge field {name!r} is reserved or not a lower-case name", file=file)
            details = value if isinstance(value, dict) else {"description": value}
            description, required = details.get("description"), details.get("required", False)
            if not isinstance(description, str) or not isinstance(required, bool):
                raise TemplateFault(
                    f"merge field {name!r} needs a description and maybe required = true", file=file
                )
            fields[name] = MergeField(name, description, required)
        return fields

    def _files(self, key: str) -> dict[str, str]:
        """Every text a template may include, with the folder's name in front."""
        paths = [
            path
            for folder in (key, "partials")
            for pattern in ("*.mjml", "*.txt")
            for path in sorted((self.root / folder).glob(pattern))
        ]
        names = {f"{path.parent.name}/{path.name}" for path in paths} | {
            f"{key}/template.mjml",
            f"{key}/text.txt",
        }
        return {name: self._read(name) for name in sorted(names)}

    def _strings(self, key: str, language: Language) -> dict[str, object]:
        names = (f"strings/{language}.toml", f"{key}/strings/{language}.toml")
        tables = [self._toml(name) for name in names if (self.root / name).is_file()]
        merged: dict[str, object] = {}
        for table in tables:
            merged = _overlaid(merged, table)
        return merged

    def _assets(self, key: str) -> dict[str, bytes]:
        assets = {}
        for path in sorted((self.root / key / "assets").glob("*")):
            magic = _MAGIC.get(path.suffix)
            name = f"{key}/assets/{path.name}"
            if magic is None:
                raise TemplateFault("is neither .png nor .jpg", file=name)
            content = path.read_bytes()
            if not content.startswith(magic) or len(content) > MAX_ASSET:
                raise TemplateFault(f"is not a {path.suffix} picture of at most {MAX_ASSET} bytes", file=name)
            assets[path.name] = content
        return assets

    def _sample(self, key: str) -> dict[str, object]:
        name = f"{key}/sample.json"
        try:
            sample = json.loads(self._read(name))
        except json.JSONDecodeError as error:
            raise TemplateFault(error.msg, file=name, line=error.lineno, column=error.colno) from None
        if not isinstance(sample, dict):
            raise TemplateFault("must be a table with subject and merge_data", file=name)
        return sample


def _overlaid(below: dict[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """`above` laid over `below`, table by table."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = (
            _overlaid(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
        )
    return merged


def _toml_place(message: str) -> tuple[int, int]:
    found = re.search(r"line (\d+), column (\d+)", message)
    return (int(found.group(1)), int(found.group(2))) if found else (1, 1)
