"""What Airflow is told about this package (entry point `apache_airflow_provider`)."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Name, operators, connection type and links."""
    return {
        "package-name": "airflow-provider-eip",
        "name": "EIP",
        "description": "Drives Ingest's runs: starts them, follows them, and checks what they did.",
        "integrations": [
            {"integration-name": "EIP", "external-doc-url": "https://airflow.apache.org/", "tags": ["service"]}
        ],
        "hooks": [{"integration-name": "EIP", "python-modules": ["eip_provider.hook", "eip_provider.views"]}],
        "operators": [
            {
                "integration-name": "EIP",
                "python-modules": [
                    f"eip_provider.operators.{name}"
                    for name in ("check", "run", "rehearsal", "rows", "visible", "verify")
                ],
            }
        ],
        "triggers": [{"integration-name": "EIP", "python-modules": ["eip_provider.triggers"]}],
        "connection-types": [
            {"connection-type": "eip", "hook-class-name": "eip_provider.hook.EipIngestHook", "hook-name": "EIP Ingest"}
        ],
        "extra-links": ["eip_provider.links.EipRunLink", "eip_provider.links.EipReceiptLink"],
    }
