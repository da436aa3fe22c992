"""utskick.example.toml is complete, valid anywhere, and made of made-up things."""

import re
import shutil
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from tests.architecture.tree import ROOT
from workers.settings import Settings, load_settings

EXAMPLE = ROOT / "utskick.example.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLE, tmp_path / "utskick.toml")
    return tmp_path


def test_it_is_valid_as_it_stands(folder: Path) -> None:
    settings = load_settings(folder, {})
    assert settings.redis_url.get_secret_value() == "embedded"
    assert settings.database == f"sqlite:///{folder / 'var' / 'utskick.db'}"


def test_it_is_valid_with_other_servers(folder: Path) -> None:
    elsewhere = {
        "UTSKICK_DATABASE_URL": "postgresql://utskick@db.nordhamn.example/utskick",
        "UTSKICK_REDIS_URL": "redis://queue.nordhamn.example:6379/1",
        "UTSKICK_SMARTHOST": "smtp://relay.postilaiva.example:587",
        "UTSKICK_PUBLIC_URL": "https://post.nordhamn.example",
        "UTSKICK_SECRETS_DIR": "/etc/utskick/secrets",
    }
    settings = load_settings(folder, elsewhere)
    assert settings.smarthost_processor("main").name == "Postilaiva Oy"
    assert settings.secrets_dir == Path("/etc/utskick/secrets")


def test_it_names_every_setting(folder: Path) -> None:
    said = set(re.findall(r"^(?:# )?([a-z0-9_]+) = ", EXAMPLE.read_text(), re.MULTILINE))
    assert set(setting_names(Settings)) == said


def test_its_addresses_belong_to_nobody() -> None:
    hosts = re.findall(r"@([\w.-]+)", EXAMPLE.read_text()) + re.findall(
        r"https://([\w.-]+)", EXAMPLE.read_text()
    )
    assert hosts
    assert [host for host in hosts if not host.rstrip(".").endswith(".example")] == []


def setting_names(model: type[BaseModel]) -> Iterator[str]:
    """The names of all values, tables gone into."""
    for name, field in model.model_fields.items():
        inner = table_inside(field.annotation)
        if inner is None:
            yield name
        else:
            yield from setting_names(inner)


def table_inside(annotation: object) -> type[BaseModel] | None:
    """The table that a setting is, or holds by key; None for a plain value."""
    parts = typing.get_args(annotation)
    if parts:
        return next((found for found in map(table_inside, parts) if found is not None), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
