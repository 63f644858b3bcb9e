"""The committed schemas and types are those of the models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from treadle.server.methods import METHODS
from treadle.server.wire.methods import CLIENT_REQUESTS

ROOT = Path(__file__).resolve().parent.parent.parent


def test_generated_files_are_up_to_date() -> None:
    ran = subprocess.run(
        [sys.executable, str(ROOT / "protocol" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_every_reference_between_schema_files_leads_somewhere() -> None:
    folder = ROOT / "protocol" / "schema"
    documents = {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return here + [ref for value in node.values() for ref in references(value)]
        return [ref for value in node for ref in references(value)] if isinstance(node, list) else []

    for name, document in documents.items():
        for reference in references(document):
            file, _, pointer = reference.partition("#/$defs/")
            assert pointer in documents[file or name]["$defs"], f"{name}: {reference}"


def test_every_type_of_the_method_table_is_in_the_typescript() -> None:
    table = json.loads((ROOT / "protocol" / "schema" / "methods.json").read_text("utf-8"))["methods"]
    types = (ROOT / "extension" / "src" / "protocol.ts").read_text("utf-8")
    for row in table:
        assert f"export type {row['params']} =" in types
        assert row["result"] is None or f"export type {row['result']} =" in types


def test_every_request_of_the_contract_has_its_method() -> None:
    assert set(METHODS) == set(CLIENT_REQUESTS) - {"initialize"}
