"""Drives dev/services in a data folder of its own, and reads what a server's processes are doing."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "dev" / "services"
NAMES = ("kafka", "elasticsearch", "postgres", "redis")


@dataclass(frozen=True)
class Line:
    """One line of `dev/services status`."""

    address: str
    pid: str
    state: str


@dataclass(frozen=True)
class Services:
    """One data folder and the servers on it."""

    folder: Path

    def run(self, *words: str, binary: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a command on this folder, whatever its exit code; `binary` stands in for eip."""
        ours = ("EIP_SERVICES_DIR", "EIP_OLIST", "EIP_BIN")
        inherited = {name: value for name, value in os.environ.items() if name not in ours}
        if binary:
            inherited["EIP_BIN"] = str(binary)
        line = [str(SCRIPT), *words, "--dir", str(self.folder)]
        return subprocess.run(line, capture_output=True, text=True, timeout=400, check=False, env=inherited)

    def do(self, *words: str, binary: Path | None = None) -> str:
        """Runs a command that must succeed."""
        done = self.run(*words, binary=binary)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def status(self) -> dict[str, Line]:
        """The table, by name."""
        rows = [line.split() for line in self.run("status").stdout.splitlines()[1:]]
        return {row[0]: Line(address=row[1], pid=row[2], state=" ".join(row[3:-1])) for row in rows}

    def environment(self) -> dict[str, str]:
        """What `env` exports."""
        words = [shlex.split(line)[1] for line in self.do("env").splitlines()]
        return dict(word.split("=", 1) for word in words)

    def port(self, name: str) -> int:
        """The port on which a server listens."""
        return int((self.folder / "ports" / name).read_text())

    def sql(self, statement: str) -> str:
        """What PostgreSQL answers, unaligned."""
        line = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement, self.environment()["EIP_POSTGRES"]]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=True).stdout.strip()

    def redis(self, *words: str) -> str:
        """The first line of Redis's answer."""
        with socket.create_connection(("127.0.0.1", self.port("redis")), timeout=10) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.makefile().readline().strip()


@contextmanager
def data_folder() -> Iterator[Services]:
    """A data folder that the user of the servers can enter (pytest's are closed); wiped and removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="eip-services-"))
    folder.chmod(0o755)
    services = Services(folder)
    try:
        yield services
    finally:
        services.do("wipe")
        shutil.rmtree(folder)


def listening() -> dict[int, set[str]]:
    """Every listening TCP port of this machine with the (hexadecimal) addresses that it is bound to."""
    ports: dict[int, set[str]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A":
                address, port = local.split(":")
                ports.setdefault(int(port, 16), set()).add(address)
    return ports


def runs(pid: int) -> bool:
    """Whether a process is there and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


def session_members(leader: int) -> set[int]:
    """The running processes of the session that this process leads."""
    members = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] not in "ZX":
            members.add(int(folder.name))
    return members


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process of the test."""
    process.send_signal(signal.SIGKILL)
    process.wait()
