"""The JSON Schemas of what is written for programs."""

import inspect
from typing import Any, Final

import msgspec

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_of(record: type, version: int) -> dict[str, Any]:
    """Describe a record that tells the version of its schema, which is this one."""
    found = msgspec.json.schema(record)
    components = found["$defs"]
    for component in components.values():
        if "description" in component:
            component["description"] = inspect.cleandoc(component["description"])
    components[record.__name__]["properties"]["schema_version"] = {"const": version}
    components[record.__name__]["required"].append("schema_version")
    return {"$schema": DIALECT, **found}


def allow_null(component: dict[str, Any], *fields: str) -> None:
    """Let numbers be null: JSON has no infinity."""
    for field in fields:
        component["properties"][field] = {"anyOf": [{"type": "number"}, {"type": "null"}]}


def text_of(schema: dict[str, Any]) -> str:
    """Return a schema as it is published."""
    return msgspec.json.format(msgspec.json.encode(schema)).decode() + "\n"
