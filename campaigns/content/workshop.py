"""Phase one of a compilation: campaign-level tags, then MJML, for one template, campaign and language.

Recipient-level tags are masked from the first moment to the last (`campaigns.content.masking`), values of the
campaign come out literally whatever they contain. Every fault of a file is told with its file and line, as
near as it can be known. Fails with TemplateFault and MergeDataFault.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Final

from jinja2 import FunctionLoader, TemplateNotFound, TemplateRuntimeError, TemplateSyntaxError, meta, nodes
from mjml import mjml2html

from campaigns.content import places
from campaigns.content.language import Language, date_text
from campaigns.content.masking import Mask, column_of, line_of, skeleton
from campaigns.content.merge import merge_context
from campaigns.content.model import (
    CONTROLLER_FIELDS,
    RECIPIENT_FIELDS,
    Asset,
    Brand,
    CampaignFacts,
    TemplateSource,
)
from campaigns.content.sandbox import (
    FAILURES,
    CampaignEnvironment,
    StringTable,
    recipient_environment,
    recipient_form_fault,
    unknown_fields,
)
from campaigns.errors import TemplateFault

_MEDIA_TYPES: Final = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_KNOWN_NAMES: Final = frozenset(("t", "controller", "campaign", "asset", "range"))


class Workshop:
    """One compilation under way."""

    def __init__(
        self,
        source: TemplateSource,
        language: Language,
        merge_data: Mapping[str, object],
        brand: Brand,
        campaign: CampaignFacts,
    ) -> None:
        self._source = source
        self._language = language
        self._brand = brand
        self._mask = Mask(_nonce(source, language, merge_data, brand, campaign))
        self._used: dict[str, str] = {}
        self._set_names: set[str] = set()
        self._assets: dict[str, Asset] = {}
        self._context = merge_context(source, merge_data, language) | {
            "t": self._strings(source.strings.get(language, {}), language),
            "controller": {
                name: brand.controller[name] for name in CONTROLLER_FIELDS if brand.controller.get(name)
            },
            "campaign": {
                "key": campaign.key,
                "edition": campaign.edition,
                "kind": campaign.kind,
                "language": language,
                "date": date_text(campaign.date, language),
            },
            "asset": self._asset_url,
        }

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The pictures that have been referred to so far."""
        return tuple(self._assets.values())

    def html(self) -> str:
        """The recipient-level HTML source."""
        file = self._source.mjml_file
        mjml = self._rendered(file, html=True)
        try:
            html = mjml2html(mjml, disable_comments=False, fonts={})
        except ValueError as error:
            raise self._mjml_fault(mjml, str(error)) from None
        self._mask.require_kept(mjml, html)
        return self._mask.reveal(html, file=file)

    def text(self) -> str:
        """The recipient-level plain-text source."""
        file = self._source.text_file
        return self._mask.reveal(self._rendered(file, html=False), file=file)

    def fault_about(self, value: str, problem: str) -> TemplateFault:
        """A fault placed where `value` stands in a file; if it stands in none, it came with the merge data."""
        shown = f"{problem}: {value[:100]!r}"
        written = (
            [value] if value.startswith("<") else [f'"{value}"', f"'{value}'", f"({value}", f" {value}="]
        )
        for file, text in self._used.items():
            for candidate in written:
                offset = text.find(candidate)
                if offset >= 0:
                    line, column = line_of(text, offset), column_of(text, offset)
                    return TemplateFault(shown, file=file, line=line, column=column)
        return TemplateFault(f"{shown}, from the merge data", file=self._source.mjml_file)

    def _rendered(self, file: str, *, html: bool) -> str:
        environment = self._environment(self._masked, html=html)
        try:
            rendered = environment.get_template(file).render(self._context)
        except FAILURES as error:
            raise self._jinja_fault(error, file) from None
        self._check_names(environment.trees)
        return rendered

    def _environment(self, masked: Callable[[str], str | None], *, html: bool) -> CampaignEnvironment:
        def load(name: str) -> tuple[str, str, None] | None:
            text = masked(name)
            return None if text is None else (text, name, None)

        return CampaignEnvironment(html=html, loader=FunctionLoader(load), brace=self._mask.brace)

    def _masked(self, name: str) -> str | None:
        """A file with its recipient-level tags checked and hidden; remembered as used."""
        text = self._source.files.get(name)
        if text is None:
            return None
        masked = self._mask.hide(text, name)
        _check_tags(name, text)
        self._used[name] = text
        return masked

    def _strings(self, table: Mapping[str, object], place: str) -> StringTable:
        strings: dict[str, Any] = {}
        for key, value in table.items():
            inner = f"{place}.{key}"
            if isinstance(value, Mapping):
                strings[key] = self._strings(value, inner)
            elif isinstance(value, str):
                file = f"strings/{self._language}.toml ({inner})"
                strings[key] = self._mask.hide(value, file)
                _check_tags(file, value)
            else:
                raise TemplateFault(f"string {inner} is not text", file=f"strings/{self._language}.toml")
        return StringTable(strings, place)

    def _asset_url(self, name: str) -> str:
        content = self._source.assets.get(name)
        if content is None:
            raise TemplateRuntimeError(f"there is no picture {name!r} in {self._source.key}/assets")
        suffix = PurePosixPath(name).suffix
        digest = hashlib.sha256(content).hexdigest()[:32]
        self._assets[name] = Asset(name, digest, suffix[1:], _MEDIA_TYPES[suffix], content)
        return f"{self._brand.public_url.rstrip('/')}/a/{digest}{suffix}"

    def _check_names(self, trees: Mapping[str, nodes.Template]) -> None:
        """Refuse a name that no merge field, no file and no `is defined` accounts for: it would never have
        a value."""
        for tree in trees.values():
            self._set_names |= {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
            self._set_names |= {
                test.node.name
                for test in tree.find_all(nodes.Test)
                if test.name in ("defined", "undefined") and isinstance(test.node, nodes.Name)
            }
        known = _KNOWN_NAMES | self._source.merge_fields.keys() | self._set_names
        for file, tree in trees.items():
            for name in sorted(meta.find_undeclared_variables(tree) - known):
                raise _name_fault(f"there is no merge field {name!r}", name, file, self._used[file])

    def _jinja_fault(self, error: Exception, file: str) -> TemplateFault:
        if isinstance(error, TemplateSyntaxError):
            return TemplateFault(error.message or "syntax", file=error.filename or file, line=error.lineno)
        problem = str(error) or type(error).__name__
        if isinstance(error, TemplateNotFound):
            problem = f"there is no file {error.name!r} to include"
        place = (file, 1)
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in self._used:
                place = (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
            trace = trace.tb_next
        return TemplateFault(problem, file=place[0], line=place[1])

    def _mjml_fault(self, mjml: str, problem: str) -> TemplateFault:
        offset = places.mrml_offset(problem)
        found = places.malformed(mjml)
        if found and (offset is None or found[0] < offset):
            offset, problem = found
        place = None
        if offset is not None:
            marked = places.marked(
                {name: self._mask.hide(text, name) for name, text in self._used.items()},
                self._environment(self._masked, html=True),
            )
            environment = self._environment(marked.get, html=True)
            rendered = environment.get_template(self._source.mjml_file).render(self._context)
            place = places.place_of(offset, mjml, rendered, self._used)
        place = place or places.Place(self._source.mjml_file, 1)
        return TemplateFault(f"MJML: {problem}", file=place.file, line=place.line, column=place.column)


@lru_cache(maxsize=2_048)
def _check_tags(file: str, text: str) -> None:
    """The recipient-level tags of one file by themselves, where their lines are known. What was found right once is
    not looked at again: the next edition has the same files."""
    if "{" not in text:
        return
    environment = recipient_environment(html=False)
    tags = skeleton(text)
    try:
        environment.compile(environment.parse(tags))
    except TemplateSyntaxError as error:
        raise TemplateFault(error.message or "syntax", file=file, line=error.lineno) from None
    tree = environment.parse(tags)
    for name in unknown_fields(tree):
        known = ", ".join(sorted(RECIPIENT_FIELDS))
        raise _name_fault(f"there is no recipient field {name!r}; there are {known}", name, file, tags)
    if found := recipient_form_fault(tree):
        raise TemplateFault(found[1], file=file, line=found[0])


def _name_fault(problem: str, name: str, file: str, text: str) -> TemplateFault:
    found = re.search(rf"[\[{{][\[{{%](?:(?![%\]}}][\]}}]).)*?(\b{re.escape(name)}\b)", text)
    offset = found.start(1) if found else 0
    return TemplateFault(problem, file=file, line=line_of(text, offset), column=column_of(text, offset))


def _nonce(*inputs: object) -> str:
    """16 hex digits that no input can contain, since they depend on all of it."""
    return hashlib.sha256(json.dumps([repr(one) for one in inputs]).encode()).hexdigest()[:16]
