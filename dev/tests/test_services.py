"""dev/services against the real servers, in a data folder of its own."""

import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from services import NAMES, Services, data_folder, end, listening, runs, session_members

LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}


def elasticsearch(services: Services, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(
        services.environment()["EIP_ELASTICSEARCH"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_a_second_up_starts_nothing(services: Services) -> None:
    before = services.status()
    services.do("up")
    assert services.status() == before
    assert {line.state for line in before.values()} == {"up"}
    assert tuple(before) == NAMES


def test_every_port_is_bound_to_loopback_only(services: Services) -> None:
    bound = listening()
    kept = {file.name: int(file.read_text()) for file in (services.folder / "ports").iterdir()}
    for name in (*NAMES, "kafka-controller", "elasticsearch-transport"):
        assert bound[kept[name]] <= LOOPBACK, name


def test_no_server_runs_as_root(services: Services) -> None:
    for line in services.status().values():
        for pid in session_members(int(line.pid)):
            assert Path(f"/proc/{pid}").stat().st_uid != 0


def test_the_exports_name_the_servers(services: Services) -> None:
    exports = services.environment()
    assert exports == {
        "EIP_KAFKA": f"127.0.0.1:{services.port('kafka')}",
        "EIP_ELASTICSEARCH": f"http://127.0.0.1:{services.port('elasticsearch')}",
        "EIP_POSTGRES": f"postgres://eip@127.0.0.1:{services.port('postgres')}/eip",
        "EIP_REDIS": f"redis://127.0.0.1:{services.port('redis')}",
        "EIP_STATE": str(services.folder / "state"),
        "EIP_SERVICES_DIR": str(services.folder),
    }
    assert Path(exports["EIP_STATE"]).is_dir()


@pytest.mark.parametrize("index", ["shipments", "a-shipments-v1", "shipment_events-w-1-0-0"])
def test_elasticsearch_makes_no_index_of_ours_by_itself(services: Services, index: str) -> None:
    status, answer = elasticsearch(services, "PUT", f"/{index}/_doc/1", {"a": 1})
    assert status == 404
    assert "forbids automatic creation" in json.dumps(answer)


def test_elasticsearch_makes_other_indices_and_takes_the_rule_from_its_api_too(services: Services) -> None:
    assert elasticsearch(services, "PUT", "/other/_doc/1", {"a": 1})[0] == 201
    rule = {"persistent": {"action.auto_create_index": "-mine*,+*"}}
    assert elasticsearch(services, "PUT", "/_cluster/settings", rule)[0] == 200
    assert elasticsearch(services, "PUT", "/mine-1/_doc/1", {"a": 1})[0] == 404
    none = {"persistent": {"action.auto_create_index": None}}
    assert elasticsearch(services, "PUT", "/_cluster/settings", none)[0] == 200
    assert elasticsearch(services, "DELETE", "/other")[0] == 200


def test_elasticsearch_takes_a_snapshot_below_the_data_folder(services: Services) -> None:
    assert elasticsearch(services, "PUT", "/kept/_doc/1?refresh=true", {"a": 1})[0] == 201
    repository = {"type": "fs", "settings": {"location": "one"}}
    assert elasticsearch(services, "PUT", "/_snapshot/one", repository)[0] == 200
    assert (
        elasticsearch(services, "PUT", "/_snapshot/one/first?wait_for_completion=true", {"indices": "kept"})[0] == 200
    )
    assert elasticsearch(services, "DELETE", "/kept")[0] == 200
    assert elasticsearch(services, "POST", "/_snapshot/one/first/_restore?wait_for_completion=true")[0] == 200
    assert elasticsearch(services, "GET", "/kept/_doc/1")[1]["_source"] == {"a": 1}
    assert (services.folder / "elasticsearch" / "snapshots" / "one").is_dir()


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_server_leaves_no_process_and_starts_again_on_its_port(services: Services, name: str) -> None:
    before = services.status()[name]
    processes = session_members(int(before.pid))
    services.do("kill", name)
    assert not any(runs(pid) for pid in processes)
    assert services.status()[name].state == "down"
    assert services.run("status").returncode == 1
    services.do("start", name)
    after = services.status()[name]
    assert (after.state, after.address) == ("up", before.address)
    assert after.pid != before.pid


def test_what_was_committed_is_there_after_a_kill(services: Services) -> None:
    services.sql("CREATE TABLE IF NOT EXISTS kept (n int); INSERT INTO kept VALUES (7)")
    services.do("kill", "postgres")
    services.do("start", "postgres")
    assert services.sql("SELECT n FROM kept") == "7"


@pytest.mark.parametrize("name", NAMES)
def test_a_paused_server_does_nothing_until_it_is_resumed(services: Services, name: str) -> None:
    pid = services.status()[name].pid
    services.do("pause", name)
    assert services.status()[name].state == "paused"
    refused = services.run("start", name)
    assert refused.returncode == 1
    assert f"{name} is paused: dev/services resume {name}" in refused.stderr
    services.do("resume", name)
    services.do("start", name)
    assert services.status()[name].pid == pid


def test_a_paused_server_can_be_stopped(services: Services) -> None:
    services.do("pause", "redis")
    services.do("stop", "redis")
    assert services.status()["redis"].state == "down"
    services.do("start", "redis")
    assert services.redis("PING") == "+PONG"


def test_pausing_postgres_pauses_its_back_ends(services: Services) -> None:
    address = services.environment()["EIP_POSTGRES"]
    line = ["psql", "-XqAt", address]
    client = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert client.stdin
        assert client.stdout
        client.stdin.write(b"SELECT pg_backend_pid();\n")
        client.stdin.flush()
        back_end = int(client.stdout.readline())
        services.do("pause", "postgres")
        state = Path(f"/proc/{back_end}/stat").read_text().rsplit(")", 1)[1].split()[0]
        services.do("resume", "postgres")
    finally:
        end(client)
    assert state == "T"


def test_down_and_up_keep_ports_and_data(services: Services) -> None:
    before = services.environment()
    services.sql("CREATE TABLE IF NOT EXISTS over_a_restart (n int)")
    services.do("down")
    assert {line.state for line in services.status().values()} == {"down"}
    services.do("up")
    assert services.environment() == before
    assert services.sql("SELECT count(*) FROM over_a_restart") == "0"


def test_a_given_port_is_taken_only_while_the_server_is_down(services: Services) -> None:
    port = services.port("redis")
    refused = services.run("up", "--only", "redis", "--redis-port", str(port + 1))
    assert refused.returncode == 1
    assert "dev/services stop redis first" in refused.stderr
    services.do("stop", "redis")
    services.do("up", "--only", "redis", "--redis-port", str(port + 1))
    assert services.port("redis") == port + 1
    assert services.redis("PING") == "+PONG"


def test_a_pid_that_was_given_away_is_never_signalled() -> None:
    other = subprocess.Popen(["sleep", "600"])
    try:
        with data_folder() as services:
            services.do("env")
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            (services.folder / "pids" / "redis").write_text(f"{other.pid} 1 {boot}\n")
            services.do("down")
            assert other.poll() is None
            assert services.run("kill", "redis").returncode == 1
            assert other.poll() is None
    finally:
        end(other)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as another user")
def test_data_wanted_behind_a_closed_folder_lies_elsewhere_and_stays_there() -> None:
    with tempfile.TemporaryDirectory() as closed:
        services = Services(Path(closed) / "data")
        elsewhere = Path(services.environment()["EIP_SERVICES_DIR"])
        try:
            assert elsewhere.parent == Path("/var/lib/eip-services")
            services.do("up", "--only", "redis")
            Path(closed).chmod(0o755)
            assert services.environment()["EIP_SERVICES_DIR"] == str(elsewhere)
            assert services.status()["redis"].state == "up"
        finally:
            services.do("wipe")
            shutil.rmtree(elsewhere)


def test_a_port_that_another_process_has_is_named(services: Services) -> None:
    with data_folder() as other:
        refused = other.run("up", "--only", "redis", "--redis-port", str(services.port("redis")))
    assert refused.returncode == 1
    assert f"redis: another process has port {services.port('redis')}" in refused.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dance"], "unknown command 'dance'"),
        (["kill"], "wants one name"),
        (["kill", "oracle"], "unknown server 'oracle'"),
        (["up", "--only", "kafka,oracle"], "unknown server 'oracle'"),
        (["up", "--redis-port", "70000"], "above 65535"),
        (["up", "--redis-port", "six"], "wants a port"),
        (["up", "--colour"], "unknown option '--colour'"),
    ],
)
def test_wrong_usage_is_refused_with_the_wrong_word(tmp_path: Path, words: list[str], message: str) -> None:
    refused = Services(tmp_path).run(*words)
    assert refused.returncode == 1
    assert message in refused.stderr


def test_wipe_leaves_no_data(services: Services) -> None:
    (services.folder / "state" / "mirror").write_text("of a log that is gone")
    services.do("wipe")
    left = {file.name for file in services.folder.iterdir()}
    assert left <= {"locks", "logs", "pids", "ports", "state"}
    assert not any((services.folder / "state").iterdir())
    services.do("up")
    assert services.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"
