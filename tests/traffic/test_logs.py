"""Logs of a process, ours and the libraries': one JSON object a line, and no address in any."""

import json
import subprocess
import sys

SPEAKING = """
import logging, warnings, structlog
from workers.logs import set_up_logs
set_up_logs()
structlog.get_logger().info("batch done", campaign=3, detail="kim@kund.example said no")
logging.getLogger("dramatiq").error("Failed for %s", "kim.exempel@kund.example")
logging.getLogger("alembic").info("unheard")
try:
    raise ValueError("<kim@kund.example>")
except ValueError:
    logging.getLogger("uvicorn.error").exception("boom")
warnings.warn("look out for kim@kund.example")
"""


def test_every_line_is_json_without_an_address() -> None:
    said = subprocess.run(
        [sys.executable, "-c", SPEAKING], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout == ""
    lines = [json.loads(line) for line in said.stderr.splitlines()]
    who = [(line.get("logger"), line["level"], line["event"].splitlines()[0]) for line in lines]
    assert who[:3] == [
        (None, "info", "batch done"),
        ("dramatiq", "error", "Failed for <address>"),
        ("uvicorn.error", "error", "boom"),
    ]
    assert who[3][:2] == ("py.warnings", "warning")
    assert lines[0]["detail"] == "<address> said no"
    assert "ValueError" in lines[2]["exception"]
    assert "kund.example" not in said.stderr
