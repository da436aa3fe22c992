"""The shapes that content takes between a template folder and the renderer: plain frozen values, safe to
store and share.

`CompiledContent` is what the database keeps, so that every worker machine renders the same octets whatever
templates lie on its disk. Nothing here fails but on values of the wrong form (ValueError, InputError).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal
from urllib.parse import urlsplit

from campaigns.content.language import Language
from campaigns.errors import Fault, InputError

Kind = Literal["newsletter", "magazine"]

# What a recipient-level expression may name. All are absent when blank, but `companies`, which is then an
# empty tuple.
RECIPIENT_FIELDS: Final = frozenset(
    (
        "first_name",
        "last_name",
        "title",
        "position",
        "company",
        "companies",
        "email",
        "list_name",
        "source",
        "unsubscribe_url",
        "preferences_url",
        "view_url",
    )
)
CONTROLLER_FIELDS: Final = (
    "name",
    "street",
    "postal_code",
    "city",
    "country",
    "business_id",
    "email",
    "phone",
    "register_name",
    "privacy_url",
    "contact_person",
)
LOOPBACK_HOSTS: Final = frozenset(("localhost", "127.0.0.1", "::1"))


@dataclass(frozen=True)
class MergeField:
    """A campaign-level merge field as `template.toml` declares it."""

    name: str
    description: str
    required: bool = False


@dataclass(frozen=True)
class TemplateSource:
    """One template folder, read whole.

    `files` maps paths below the templates folder ("newsletter/template.mjml", "partials/footer.mjml") to
    their text; `strings` maps a language to its nested table, the template's own laid over the shared one.
    """

    key: str
    name: str
    kind: Kind
    description: str
    merge_fields: Mapping[str, MergeField]
    files: Mapping[str, str]
    strings: Mapping[Language, Mapping[str, object]]
    assets: Mapping[str, bytes] = field(repr=False)
    sample: Mapping[str, object] = field(repr=False)

    @property
    def mjml_file(self) -> str:
        """The path of the MJML file, as faults name it."""
        return f"{self.key}/template.mjml"

    @property
    def text_file(self) -> str:
        """The path of the plain-text alternative, as faults name it."""
        return f"{self.key}/text.txt"


@dataclass(frozen=True)
class Brand:
    """Who writes and where the pictures are: the controller's particulars (`CONTROLLER_FIELDS`) and the
    public base URL."""

    public_url: str
    controller: Mapping[str, str]

    def __post_init__(self) -> None:
        address = urlsplit(self.public_url)
        if address.scheme != "https" and not (
            address.scheme == "http" and address.hostname in LOOPBACK_HOSTS
        ):
            raise InputError(f"public URL {self.public_url!r} must begin with https://")


@dataclass(frozen=True)
class CampaignFacts:
    """What a template and a subject may know of the campaign itself. `subject` is a recipient-level text
    template."""

    key: str
    edition: str
    kind: str
    subject: str
    date: date


@dataclass(frozen=True)
class Asset:
    """A picture of a template, addressed by its content: `hash` is the first 32 hex digits of its SHA-256."""

    name: str
    hash: str
    extension: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class CompiledContent:
    """One campaign in one language, ready for recipients: three Jinja sources and the digest that names them."""

    language: Language
    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)
    digest: str

    @classmethod
    def of(cls, language: Language, subject: str, html: str, text: str) -> CompiledContent:
        """The content with its digest: SHA-256 (hex) over the four parts, each preceded by its length."""
        digest = hashlib.sha256()
        for part in (language, subject, html, text):
            octets = part.encode()
            digest.update(b"%d:" % len(octets) + octets)
        return cls(language, subject, html, text, digest.hexdigest())


@dataclass(frozen=True)
class Compilation:
    """What compiling gave: the content, the pictures it refers to, and what deserves a look but stops nothing."""

    content: CompiledContent
    assets: tuple[Asset, ...]
    warnings: tuple[Fault, ...] = ()
