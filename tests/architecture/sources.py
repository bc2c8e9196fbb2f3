"""What the syntax tree of a pure module may not contain: floats, true division, round."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("agreements", "billing", "exports", "foundation")
PURE_NAMES = ("rules.py", "*_rules.py", "facts.py", "*_facts.py", "layout.py", "layout_*.py")
PURE_FILES = (ROOT / "foundation" / "money.py", ROOT / "agreements" / "agreement.py")


def pure_files() -> list[Path]:
    """Every file that counts money without anything around it."""
    found = {path for room in ROOMS for name in PURE_NAMES for path in (ROOT / room).rglob(name)}
    return sorted(found.union(PURE_FILES))


def inexact(source: str) -> Iterator[str]:
    """Name each place of a source that could lose a part of an øre, as ``line 3: what``."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=float() | complex()):
                yield f"line {node.lineno}: the float {ast.unparse(node)}"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield f"line {node.lineno}: a true division"
            case ast.Name(id="float" | "round" as name):
                yield f"line {node.lineno}: {name}"
            case ast.Attribute(attr="truediv" | "fsum" | "__truediv__" | "__round__" | "from_float" as name):
                yield f"line {node.lineno}: {name}"
            case _:
                pass
