"""`eip demo --serve`: the story, then Ingest, the API and a replay in one process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chain import binary, environment


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """Starts one; yields the dashboard's address, with the tour."""
    words = ["demo", "--serve", "--orders", "6000", "--workers", "1", "--state", str(folder / "demo")]
    process = subprocess.Popen([binary(), *words], stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert process.stdout
        for line in process.stdout:
            if "/?tour=" in line:
                yield line.split()[0]
                break
        else:
            raise AssertionError("the demo ended without an address")
    finally:
        process.terminate()
        process.wait(timeout=30)
    assert process.returncode == 0
