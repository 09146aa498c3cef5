"""compose.yml and Dockerfile as far as they can be checked without a Docker engine.

The schema in compose-spec/ is the Compose Specification's own, unchanged (Apache-2.0, see its LICENSE).
"""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

REPOSITORY = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((Path(__file__).parent / "compose-spec" / "compose-spec.json").read_text())
TEXT = (REPOSITORY / "compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EACH_SERVICE = pytest.mark.parametrize("name", sorted(SERVICES))
# What is not given takes its default; what must be given (`:?`) stays as it is.
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def resolved(text: str) -> str:
    return VARIABLE.sub(lambda found: found[2], text)


def test_it_keeps_the_compose_schema() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(COMPOSE)


def test_the_check_is_strict() -> None:
    wrong = {"services": {"a": {"image": "b", "depend_on": ["c"]}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(wrong)


@EACH_SERVICE
def test_every_image_is_ours_or_pinned_by_a_full_version(name: str) -> None:
    image = SERVICES[name]["image"]
    if "build" in SERVICES[name]:
        assert image == ("eip-airflow:local" if name.startswith("airflow-") else "eip:local")
    else:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?", image), image


def test_it_runs_the_versions_that_dev_services_runs() -> None:
    script = (REPOSITORY / "dev" / "services.d" / "install.sh").read_text()
    pinned = dict(re.findall(r"^(\w+)=([\d.]+)$", script, re.MULTILINE))
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{pinned['kafka_version']}"
    assert SERVICES["elasticsearch"]["image"] == f"elasticsearch:{pinned['elasticsearch_version_java_21']}"
    assert SERVICES["kibana"]["image"].split(":")[1] == SERVICES["elasticsearch"]["image"].split(":")[1]


@EACH_SERVICE
def test_every_mounted_path_and_volume_is_there(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, target = resolved(volume).split(":")[:2]
        assert target.startswith("/")
        if source.startswith("."):
            assert (REPOSITORY / source).exists(), source
        else:
            assert source in COMPOSE["volumes"]


@EACH_SERVICE
def test_every_port_is_published_on_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", resolved(port)), port


def test_no_two_services_publish_the_same_port() -> None:
    ports = [resolved(port).split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == len(set(ports))


@EACH_SERVICE
def test_what_is_waited_for_can_become_what_is_waited_for(name: str) -> None:
    for other, wish in SERVICES[name].get("depends_on", {}).items():
        if wish["condition"] == "service_healthy":
            assert SERVICES[other]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        else:
            assert wish["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no"


@EACH_SERVICE
def test_whatever_goes_on_has_a_health_check(name: str) -> None:
    assert "healthcheck" in SERVICES[name] or SERVICES[name]["restart"] == "no"


@EACH_SERVICE
def test_every_service_is_in_a_known_profile(name: str) -> None:
    assert SERVICES[name]["profiles"] in (["core", "dev"], ["observability"], ["airflow"])


@EACH_SERVICE
def test_no_secret_has_a_value_or_a_default(name: str) -> None:
    # Comments and everything else hold none either: the file names a password only as `${…:?…}`.
    environment: dict[str, Any] = SERVICES[name].get("environment", {})
    for key, value in environment.items():
        if re.search("PASSWORD|AUTH|SECRET|TOKEN", key):
            assert re.fullmatch(r"\$\{EIP_\w+:\?[^}]+\}", value), key
        if re.search("://.*@", str(value)):
            assert re.search(r":\$\{EIP_\w+:\?[^}]+\}@", value), key


def test_dev_env_gives_every_variable_that_must_be_given() -> None:
    lines = (REPOSITORY / "deploy" / "dev.env").read_text().splitlines()
    given = {line.split("=")[0] for line in lines if not line.startswith("#")}
    assert given - {"COMPOSE_PROFILES"} == set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert "COMPOSE_PROFILES=dev" in lines


def test_its_airflow_is_the_one_of_the_lock_with_the_dags_and_the_program() -> None:
    version = re.findall(r"^apache-airflow==(.+)$", (REPOSITORY / "dags" / "requirements.lock").read_text(), re.M)[0]
    lines = (REPOSITORY / "dags" / "Dockerfile").read_text().splitlines()
    assert f"FROM apache/airflow:{version}-python3.11" in lines
    assert "COPY --from=eip /usr/local/bin/eip /usr/local/bin/eip" in lines
    for name in ("api", "scheduler", "processor", "triggerer", "database"):
        service = SERVICES[f"airflow-{name}"]
        assert service["build"] == {"context": "dags", "additional_contexts": {"eip": "service:ingest"}}
        assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", ["ingest", "dataflow", "api"])
def test_our_services_have_no_more_rights_than_they_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["command"][0] == name


def dockerfile() -> list[str]:
    text = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_builds_with_the_pinned_rust_and_runs_as_nobody_special() -> None:
    toolchain = (REPOSITORY / "rust-toolchain.toml").read_text()
    version = re.findall(r'channel = "(.*)"', toolchain)[0]
    lines = dockerfile()
    stages = [index for index, line in enumerate(lines) if line.startswith("FROM ")]
    assert len(stages) == 2
    assert lines[stages[0]] == f"FROM rust:{version}-bookworm AS build"
    assert f"ENV RUSTUP_TOOLCHAIN={version}" in lines
    assert "USER 10001:10001" in lines[stages[1] :]
    assert any("--locked --release --bin eip --features tls" in line for line in lines)


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    copied = [line.split()[1] for line in dockerfile() if line.startswith("COPY ") and "--from" not in line]
    assert copied == [".", "deploy/answers"]
    assert (REPOSITORY / "deploy" / "answers").stat().st_mode & 0o111 == 0o111
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert "!deploy/answers" in ignored
    members = re.findall(r'^    "(.+)",$', (REPOSITORY / "Cargo.toml").read_text().split("]")[0], re.MULTILINE)
    assert not {member.split("/")[0] for member in members} & set(ignored)
