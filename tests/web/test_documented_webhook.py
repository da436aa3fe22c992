"""The signing example of docs/webhooks.md does what it says."""

import contextlib
import io
import re
import socket
import threading
from pathlib import Path

import uvicorn

from campaigns.feedback.providers.base import Endpoint
from tests.support.register import Register
from workers.web.app import WebContext, create_app
from workers.web.pages import Pages

PAGE = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"
SECRET = "whsec_bWFkZSB1cCBmb3IgdGhlIGhhbmRib29r"


def test_the_example_reports_a_dead_address(register: Register) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    context = WebContext(
        engine=register.engine,
        tokens=register.tokens,
        ring=register.ring,
        pages=Pages({}, "en"),
        view=lambda _claims: None,
        webhooks={"mail-operator": Endpoint("generic", (SECRET,))},
        public_url="https://post.timmero.example",
        time_zone="Europe/Helsinki",
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(create_app(context), log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        example = found[1].replace("127.0.0.1:8025", f"127.0.0.1:{port}")
        example = example.replace("<the Message-ID of the message>", register.message_id())
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(example, str(PAGE), "exec"), {})  # noqa: S102 (our own page)
        finally:
            server.should_exit = True
            thread.join()
    assert printed.getvalue() == '200 {"accepted":1,"ignored":0,"refused":[]}\n'
    assert register.noes() == {("hard_bounce", "email", 0)}
