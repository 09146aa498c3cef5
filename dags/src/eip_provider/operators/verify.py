"""Runs `eip verify`: the stored views against a recomputation from the log by other code.

This is the one thing that Airflow does not ask over HTTP: the proof reads the stores and the log itself. The worker has
the program (`EIP_BIN`, else `eip` on the PATH) and, in its environment, the addresses that every `eip` command reads.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from eip_provider.errors import ServiceUnavailable, ViewsDiffer
from eip_provider.requests import DATE_PATTERN, SPACE_PATTERN, check

if TYPE_CHECKING:
    from collections.abc import Sequence

EQUAL, DIFFERENT = 0, 1


class EipVerifyOperator(BaseOperator):
    """Fails where the views are not what the log says, with the report.

    The dates and the space are checked and passed as arguments of their own; there is no shell.

    Args:
        start: first day to compare; empty: from the first. Templated.
        end: the day behind the last; empty: past the last. Templated.
        space: the space; empty: main. Templated.
    """

    template_fields: Sequence[str] = ("start", "end", "space")
    ui_color = "#e3f4e0"

    def __init__(self, *, start: str = "", end: str = "", space: str = "", **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.start = start
        self.end = end
        self.space = space
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> str:  # noqa: ARG002 - Airflow's signature
        """Runs it to its end; the report goes to the log and on."""
        command = [os.environ.get("EIP_BIN") or "eip", "verify"]
        for name, value, pattern in (
            ("start", self.start, DATE_PATTERN),
            ("end", self.end, DATE_PATTERN),
            ("space", self.space, SPACE_PATTERN),
        ):
            if value:
                check(value, pattern, name)
                command += [f"--{name}", value]
        self._process = subprocess.Popen(  # noqa: S603 - no shell; every argument is fixed or checked
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        report, errors = self._process.communicate()
        self.log.info("%s\n%s", report, errors)
        if self._process.returncode == DIFFERENT:
            raise ViewsDiffer(f"the views are not what the log says:\n{report}{errors}")
        if self._process.returncode != EQUAL:
            raise ServiceUnavailable(f"eip verify ended with {self._process.returncode}: {errors or report}")
        return report

    def on_kill(self) -> None:
        """The program goes with the task."""
        if self._process is not None:
            self._process.terminate()
