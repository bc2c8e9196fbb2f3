"""One cache of compiled statements for all databases of a process of tests.

A process of the product has one database, compiles each statement once and runs it a thousand times. A process of the
tests has a thousand databases; with an engine for each, it would spend a third of its time on compiling the same
statements again. Dialects of one kind that were made alike compile alike, so here they count as equal, and every engine
looks in the same cache. What a statement says, and to which database, is untouched.
"""

from __future__ import annotations

import functools
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from foundation import database

COMPILED: LRUCache[Any, Any] = LRUCache(5_000)


def compile_once() -> None:
    """Let every engine of this process share what was compiled."""
    DefaultDialect.__eq__ = lambda one, other: type(one) is type(other)  # type: ignore[method-assign]
    DefaultDialect.__hash__ = lambda one: hash(type(one))  # type: ignore[method-assign, assignment]
    shared = functools.partial(create_engine, execution_options={"compiled_cache": COMPILED})
    database.create_engine = shared  # type: ignore[attr-defined]
