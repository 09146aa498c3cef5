"""`eip api` over a small chain of its own."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOKEN = "eip_fuzz"  # noqa: S105
TOKEN_SHA256 = "47306338444dc0fbf0c674a6fa54cf03819af385ba02fcdd2d886f3c4a6253f6"  # noqa: S105


@contextmanager
def served(binary: str, folder: Path) -> Iterator[str]:
    """The address of an API whose views hold 200 generated orders, and which knows one token with every role."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EIP_")}
    data, state, port_file = folder / "data", folder / "state", folder / "port"
    subprocess.run([binary, "generate", "--orders", "200", "--seed", "1", "--out", data], check=True, env=kept)
    subprocess.run([binary, "replay", "fast", "--state", state, "--data", data], check=True, env=kept)
    line = [binary, "api", "--state", str(state), "--listen", "127.0.0.1:0", "--port-file", str(port_file)]
    line += ["--token", f"fuzz:admin:{TOKEN_SHA256}"]
    with subprocess.Popen(line, env=kept) as service:
        try:
            while not port_file.exists() or not port_file.read_text().strip():
                assert service.poll() is None, "it ended"
                time.sleep(0.05)
            port = port_file.read_text().strip().rpartition(":")[2]
            yield f"http://127.0.0.1:{port}"
        finally:
            service.terminate()
            assert service.wait(timeout=60) == 0
