"""Servers that speak TLS: who trusts their authority gets in; an expired or wrong certificate keeps everybody out."""

import os
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import Services, data_folder


@pytest.fixture(scope="module")
def secured() -> Iterator[Services]:
    with data_folder() as services:
        services.do("up", "--tls", "good")
        yield services


def authority(services: Services, name: str = "ca") -> Path:
    return services.folder / "tls" / f"{name}.pem"


def refusal(services: Services, port: str, ca: Path) -> str:
    """Why a client that trusts this authority refuses the server, or nothing."""
    context = ssl.create_default_context(cafile=ca)
    try:
        with (
            socket.create_connection(("127.0.0.1", services.port(port)), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1"),
        ):
            return ""
    except ssl.SSLCertVerificationError as refused:
        return refused.verify_message


def postgres_refusal(services: Services, ca: Path) -> str:
    address = services.environment()["EIP_POSTGRES"].replace(str(authority(services)), str(ca))
    done = subprocess.run(["psql", "-XqAtc", "SELECT 1", address], check=False, capture_output=True, text=True)
    return done.stderr


PORTS = ("kafka-tls", "elasticsearch", "redis-tls")


@pytest.mark.parametrize("port", PORTS)
def test_the_right_authority_is_enough_and_the_wrong_one_is_not(secured: Services, port: str) -> None:
    assert refusal(secured, port, authority(secured)) == ""
    # Redis also sends its authority, which then is the one that is not trusted.
    words = {"unable to get local issuer certificate", "self-signed certificate in certificate chain"}
    assert refusal(secured, port, authority(secured, "other-ca")) in words


def test_postgres_is_trusted_by_its_authority_alone(secured: Services) -> None:
    assert postgres_refusal(secured, authority(secured)) == ""
    assert "certificate verify failed" in postgres_refusal(secured, authority(secured, "other-ca"))


def test_elasticsearch_wants_its_password(secured: Services) -> None:
    exports = secured.environment()
    context = ssl.create_default_context(cafile=exports["EIP_ELASTICSEARCH_CA"])
    port = secured.port("elasticsearch")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"https://127.0.0.1:{port}/_cluster/health", context=context, timeout=30)
    address = exports["EIP_ELASTICSEARCH"] + "/_cluster/health"
    line = ["curl", "-fsS", "--cacert", exports["EIP_ELASTICSEARCH_CA"], address]
    assert "status" in subprocess.run(line, check=True, capture_output=True, text=True).stdout


def test_the_kafka_clients_are_told_everything(secured: Services) -> None:
    exports = secured.environment()
    properties = dict(pair.split("=", 1) for pair in exports["EIP_KAFKA_PROPERTIES"].split(","))
    assert properties["security.protocol"] == "SASL_SSL"
    assert properties["sasl.mechanism"] == "SCRAM-SHA-512"
    assert Path(properties["ssl.ca.location"]) == authority(secured)
    assert exports["EIP_KAFKA"] == f"127.0.0.1:{secured.port('kafka-tls')}"


def test_keys_are_for_the_servers_alone(secured: Services) -> None:
    keys = [*authority(secured).parent.glob("*.key"), *authority(secured).parent.glob("*.both")]
    assert keys
    assert {key.stat().st_mode & 0o077 for key in keys} == {0}
    assert os.access(authority(secured), os.R_OK)


@pytest.mark.parametrize(
    ("kind", "words"), [("expired", "certificate has expired"), ("wrong-host", "mismatch, certificate is not valid")]
)
def test_another_kind_of_certificate_is_refused_by_all(secured: Services, kind: str, words: str) -> None:
    refused = secured.run("up", "--only", "redis,postgres", "--tls", kind)
    assert refused.returncode == 1
    assert "dev/services stop redis first" in refused.stderr
    secured.do("down", "--only", "redis,postgres")
    secured.do("up", "--only", "redis,postgres", "--tls", kind)
    assert words in refusal(secured, "redis-tls", authority(secured))
    assert postgres_refusal(secured, authority(secured))
