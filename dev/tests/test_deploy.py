"""deploy/: the files that Prometheus, Grafana, systemd and the image's health checks read."""

import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


class OneHealthyPath(http.server.BaseHTTPRequestHandler):
    """Answers 200 on /livez and 503 elsewhere."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/livez" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OneHealthyPath) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def answers(port: int, path: str) -> bool:
    line = [str(DEPLOY / "answers"), str(port), path]
    return subprocess.run(line, check=False, capture_output=True, timeout=30).returncode == 0


def test_a_health_check_passes_on_200_alone(port: int) -> None:
    assert answers(port, "/livez")
    assert not answers(port, "/readyz")


def test_a_health_check_fails_where_nobody_listens(port: int) -> None:
    assert not answers(1 if port != 1 else 2, "/livez")


def test_prometheus_scrapes_services_of_compose_on_their_own_port() -> None:
    services = yaml.safe_load((REPOSITORY / "compose.yml").read_text())["services"]
    scrapes = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]
    for scrape in scrapes:
        for group in scrape["static_configs"]:
            for target in group["targets"]:
                name, port = target.split(":")
                assert f"0.0.0.0:{port}" in services[name]["command"]
    if shutil.which("promtool"):
        subprocess.run(["promtool", "check", "config", str(DEPLOY / "prometheus.yml")], check=True)


def test_grafana_finds_its_dashboards_and_they_ask_a_source_that_is_there() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    providers = yaml.safe_load((provisioning / "dashboards" / "eip.yml").read_text())["providers"]
    mounts = yaml.safe_load((REPOSITORY / "compose.yml").read_text())["services"]["grafana"]["volumes"]
    assert f"./deploy/grafana/dashboards:{providers[0]['options']['path']}:ro" in mounts
    dashboards = list((DEPLOY / "grafana" / "dashboards").glob("*.json"))
    assert dashboards
    known = {source["uid"] for source in sources}
    for file in dashboards:
        for panel in json.loads(file.read_text())["panels"]:
            assert panel["datasource"]["uid"] in known
            assert all(target["expr"] for target in panel["targets"])


def test_every_metric_that_is_asked_for_is_served_by_a_program() -> None:
    # The programs put a metric's name together of a beginning of their own and such words.
    common = (REPOSITORY / "api" / "http" / "src" / "metrics.rs").read_text()
    served = {
        "dataflow": (REPOSITORY / "src" / "health" / "figures.rs").read_text() + common,
        "api": (REPOSITORY / "api" / "src" / "metrics.rs").read_text() + common,
        "ingest": (REPOSITORY / "ingest" / "src" / "server" / "metrics.rs").read_text() + common,
    }
    asked = set()
    for file in (DEPLOY / "grafana" / "dashboards").glob("*.json"):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                asked |= set(re.findall(r"\beip_\w+", target["expr"]))
    assert asked
    for metric in asked:
        found = re.fullmatch(r"eip_(dataflow|api|ingest)_(\w+)", metric)
        assert found, metric
        assert f'"{found[2]}"' in served[found[1]], metric


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_confined_and_not_root(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    for line in ("User=eip", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "Restart=always"):
        assert line in lines


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    program = tmp_path / "eip"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copies = []
    for unit in UNITS:
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text().replace("/usr/local/bin/eip", str(program)))
        copies.append(str(copy))
    done = subprocess.run(["systemd-analyze", "verify", *copies], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
