"""What schemas are made of, and all of them by name, each with an example: the words of the OpenAPI document.

A module with views describes there what its own operations answer and are sent.
"""

from __future__ import annotations

from typing import Any

from portal.api.doors import LONGEST_TEXT, PLACE

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
OERE: Schema = {"type": "integer", "description": "Øre, a hundredth of a krone."}
FLAG: Schema = {"type": "boolean"}
DAY: Schema = {"type": "string", "format": "date"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
MUNICIPALITY: Schema = {"type": "string", "pattern": f"^{PLACE.pattern}$", "description": "The municipality's code."}
MONTH: Schema = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
PLAIN: Schema = {"type": "string", "maxLength": LONGEST_TEXT}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {"oneOf": [schema, {"type": "null"}]}


def several(schema: Schema) -> Schema:
    """A list of it."""
    return {"type": "array", "items": schema}


def whole(**properties: Schema) -> Schema:
    """An object with exactly these."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def some(**properties: Schema) -> Schema:
    """What is sent: an object with at most these."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def words(kind: type) -> Schema:
    """One of an enumeration's."""
    return {"type": "string", "enum": [str(each.value) for each in kind]}  # type: ignore[attr-defined]


def named(name: str) -> Schema:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


SCHEMAS: dict[str, Schema] = {}
EXAMPLES: dict[str, Any] = {}


def describe(name: str, schema: Schema, example: Any) -> str:  # noqa: ANN401 - JSON
    """Put a schema with its example into the document; answers its name."""
    SCHEMAS[name], EXAMPLES[name] = schema, example
    return name


def describe_page(page: str, item: str) -> str:
    """Put a part of a listing into the document; answers its name."""
    return describe(
        page, whole(items=several(named(item)), next=maybe(TEXT)), {"items": [EXAMPLES[item]], "next": None}
    )
