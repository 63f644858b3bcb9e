"""Values that a JSON schema allows: the least, the most, and each variant of each field once. The same ones each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

DEEPEST = 12


class Examples:
    """`definitions`: where references lead."""

    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions

    def of(self, schema: Any, depth: int = 0) -> list[Any]:
        if not isinstance(schema, dict) or depth > DEEPEST:
            return ["x"]
        if "$ref" in schema:
            return ["/w/x"] if schema["$ref"].endswith("/AbsolutePathBuf") else self.of(self._referred(schema["$ref"]), depth + 1)
        if "enum" in schema:
            return list(schema["enum"])
        parts = [self.of(part, depth + 1) for part in schema.get("allOf", [])]
        variants = [one for part in (*schema.get("anyOf", []), *schema.get("oneOf", [])) for one in self.of(part, depth + 1)]
        own = list(self._own(schema, depth))
        if variants and "properties" in schema:
            return [{**mine, **variant} for mine in own for variant in variants]
        return variants or (parts[0] if parts else own)

    def _own(self, schema: dict[str, Any], depth: int) -> Iterator[Any]:
        kinds = schema.get("type", "object" if "properties" in schema else "any")
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            match kind:
                case "object":
                    yield from self._objects(schema, depth)
                case "array":
                    yield []
                    yield from ([one] for one in self.of(schema.get("items"), depth + 1))
                case "string":
                    yield "x"
                case "integer":
                    yield from sorted({1, int(schema.get("minimum", 1))}, reverse=True)
                case "number":
                    yield 1.5
                case "boolean":
                    yield from (False, True)
                case "null":
                    yield None
                case _:
                    yield {"any": ["thing", 1]}

    def _objects(self, schema: dict[str, Any], depth: int) -> Iterator[Any]:
        fields = {name: self.of(part, depth + 1) for name, part in schema.get("properties", {}).items()}
        least = {name: fields[name][0] for name in schema.get("required", []) if name in fields}
        yield least
        for name, values in fields.items():
            yield from ({**least, name: value} for value in values)
        if fields:
            yield {name: values[-1] for name, values in fields.items()}
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and not fields:
            yield from ({"key": one} for one in self.of(more, depth + 1))

    def _referred(self, reference: str) -> Any:
        node: Any = {"definitions": self._definitions}
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        return node
