"""`utskick completion`: the shell completes commands, options and their choices."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from workers.cli.output import Json, answer

Shell = Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell to complete in.")]


def add_to(app: App) -> None:
    """Add this file's command."""

    def completion(shell: Shell, /, *, json: Json = False) -> None:
        """Print a script that completes commands and options; for this session: source <(utskick completion bash)"""
        script = app.generate_completion(shell=shell)
        answer({"shell": shell, "script": script}, script, as_json=json)

    app.command(completion)
