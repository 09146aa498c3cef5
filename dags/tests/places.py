"""Where things lie, seen from the tests. Real data and the oracle lie beside the project and may be missing."""

from __future__ import annotations

import os
from pathlib import Path

DAGS_FOLDER = Path(__file__).resolve().parent.parent
PROJECT = DAGS_FOLDER.parent
BESIDE = PROJECT.parent / "shared"

EIP = Path(os.environ.get("EIP_BIN") or PROJECT / "target" / "debug" / "eip")
OLIST = Path(os.environ.get("EIP_OLIST") or BESIDE / "olist")
ORACLE = BESIDE / "oracle" / "oracle.py"
