"""The real `eip` binary: commands that end, and servers that are stopped by their own process id."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from places import EIP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_eip = pytest.mark.skipif(
    "EIP_BIN" not in os.environ and not EIP.exists(), reason=f"no binary at {EIP}: make test builds it, or set EIP_BIN"
)
"""Of tests that run the binary."""

COMMAND_SECONDS = 300
SERVER_SECONDS = 120


def eip(*arguments: str | Path) -> str:
    """Runs a command to its end and gives its standard output; a command that fails fails the test with its words."""
    ended = subprocess.run([EIP, *arguments], capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    command = " ".join(map(str, arguments))
    assert ended.returncode == 0, f"eip {command} exited {ended.returncode}:\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@contextmanager
def eip_server(folder: Path, name: str, *arguments: str | Path) -> Iterator[str]:
    """Starts `eip NAME …` on a free port and gives its URL once it has written its port file; stops it in the end."""
    port_file = folder / f"{name}.port"
    ports = ("--listen", "127.0.0.1:0", "--port-file", port_file)
    with eip_running(folder, name, *arguments, *ports) as process:
        yield f"http://127.0.0.1:{_port(process, port_file, folder / f'{name}.log')}"


@contextmanager
def eip_running(folder: Path, name: str, *arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Starts `eip NAME …`, which must go on by itself, and stops it in the end."""
    log_file = folder / f"{name}.log"
    with log_file.open("ab") as log:
        process = subprocess.Popen([EIP, name, *arguments], stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
        assert process.poll() is None, f"eip {name} ended by itself:\n{log_file.read_text()}"
    finally:
        process.terminate()
        try:
            process.wait(timeout=SERVER_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(process: subprocess.Popen[bytes], port_file: Path, log_file: Path) -> int:
    give_up_at = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < give_up_at:
        assert process.poll() is None, f"it exited {process.returncode} at start:\n{log_file.read_text()}"
        if port_file.exists() and (text := port_file.read_text().strip()):
            return int(text.rpartition(":")[2])
        time.sleep(0.02)
    raise AssertionError(f"no port within {SERVER_SECONDS} s:\n{log_file.read_text()}")
