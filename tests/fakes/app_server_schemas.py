"""The schemas that the real program prints, and what they say of a message.

Made anew by each session from the npm package in tests/peers/npm; nothing of them is kept in this repository. They let pass what
they do not name, as the protocol does: `unnamed` shows the fields that are ours alone.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft7Validator

PROGRAM = Path(__file__).resolve().parents[1] / "peers" / "npm" / "node_modules" / ".bin" / "codex"
Side = Literal["ClientRequest", "ClientNotification", "ServerRequest", "ServerNotification"]
_ANSWERS = {
    "config/mcpServer/reload": "McpServerRefreshResponse",
    "configRequirements/read": "ConfigRequirementsReadResponse",
}
"Answers whose name does not follow from their request's."


class Schemas:
    """One printed set: the stable one, or the whole one with what is experimental."""

    def __init__(self, folder: Path, *, experimental: bool) -> None:
        target = folder / ("experimental" if experimental else "stable")
        words = [str(PROGRAM), "app-server", "generate-json-schema", "--out", str(target)]
        home = folder / "home"
        home.mkdir(exist_ok=True)
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODEX_HOME": str(home)}
        said = subprocess.run([*words, "--experimental"] if experimental else words, env=env, capture_output=True, text=True)
        assert said.returncode == 0, f"{PROGRAM} printed no schemas (make setup installs it): {said.stderr}"
        whole = json.loads((target / "codex_app_server_protocol.schemas.json").read_text("utf-8"))
        self.definitions: dict[str, Any] = whole["definitions"]
        self._sides = {side: self._table(side) for side in Side.__args__}  # type: ignore[attr-defined]

    def methods(self, side: Side) -> set[str]:
        return set(self._sides[side])

    def params(self, side: Side, method: str) -> dict[str, Any]:
        """The schema of a method's parameters; its references lead into `definitions`."""
        return self._sides[side][method]

    def answer(self, method: str) -> dict[str, Any]:
        """The schema of what a request is answered with."""
        name = _ANSWERS.get(method)
        if name is None:
            params = self._sides["ClientRequest"].get(method) or self._sides["ServerRequest"][method]
            reference: str = next(part["$ref"] for part in (params, *params.get("anyOf", [])) if "$ref" in part)
            name = reference.rpartition("/")[2].removesuffix("Params") + "Response"
        return {"$ref": f"#/definitions/{name}" if name in self.definitions else f"#/definitions/v2/{name}"}

    def fields(self, schema: dict[str, Any]) -> set[str]:
        """The names of an object's fields."""
        return {name for part in self._parts(schema, None) for name in part.get("properties", {})}

    def wrong(self, schema: dict[str, Any], said: Any) -> list[str]:
        """What the schema says against it, each with the place."""
        return [f"{error.json_path}: {error.message[:300]}" for error in self._validator(json.dumps(schema)).iter_errors(said)]

    def unnamed(self, schema: Any, said: Any, path: str = "") -> set[str]:
        """The paths of fields in it that the schema does not name, where it names fields at all."""
        if isinstance(said, list):
            items = [part["items"] for part in self._parts(schema, said) if "items" in part]
            return {name for one in said for part in items for name in self.unnamed(part, one, f"{path}[]")}
        if not isinstance(said, dict):
            return set()
        parts = self._parts(schema, said)
        named: dict[str, Any] = {}
        for part in parts:
            named |= part.get("properties", {})
        if not named or any(part.get("additionalProperties") for part in parts):
            return set()
        found = {f"{path}.{name}" for name in set(said) - set(named)}
        return found.union(*(self.unnamed(named[name], value, f"{path}.{name}") for name, value in said.items() if name in named))

    def _parts(self, schema: Any, said: Any) -> list[dict[str, Any]]:
        """The schema and all that it is made of, as far as it is about this."""
        if not isinstance(schema, dict):
            return []
        parts = [schema]
        if "$ref" in schema:
            parts += self._parts(self._referred(schema["$ref"]), said)
        for part in schema.get("allOf", []):
            parts += self._parts(part, said)
        for variant in (*schema.get("anyOf", []), *schema.get("oneOf", [])):
            if _may_be(variant, said) and not self.wrong(variant, said):
                parts += self._parts(variant, said)
        return parts

    def _referred(self, reference: str) -> Any:
        node: Any = {"definitions": self.definitions}
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        return node

    @cache  # noqa: B019 - as long-lived as the session
    def _validator(self, schema: str) -> Draft7Validator:
        return Draft7Validator({"allOf": [json.loads(schema)], "definitions": self.definitions})

    def _table(self, side: Side) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for message in self.definitions[side]["oneOf"]:
            parts = message["properties"]
            found[parts["method"]["enum"][0]] = parts.get("params", {})
        return found


def _may_be(variant: Any, said: Any) -> bool:
    """A quick look at the tag that tells variants apart."""
    tags = variant.get("properties", {}).get("type", {}).get("enum") if isinstance(variant, dict) else None
    return tags is None or not isinstance(said, dict) or said.get("type") in tags
