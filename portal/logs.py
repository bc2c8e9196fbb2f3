"""What the web process says about its work: a line of JSON for each event on the error stream.

The names are those of the clock's lines (``at``, ``date``, ``level``, ``event``, ``message``). A line says which route
was asked for, never the address with what was typed in it; who asked by the number of the user's row, never by name.
What is left that could be a secret or a person is masked before it is written, whoever said it.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from foundation import clock

ROOM = "mellemregning"
HIDDEN = "***"
SECRET = re.compile(r"passw|kode|secret|token|cookie|authoriz|credential|api.?key|csrf", re.IGNORECASE)
PERSONAL = re.compile(r"^(login|e?mail|name|user_?name|cpr|address|remote_addr)$", re.IGNORECASE)
# A password within an address, what follows a scheme of authorization, a mail address, what may be a CPR number.
WITHIN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?i)\b(password|passwd|secret|token|adgangskode)(\s*[=:]\s*)\S+"), rf"\1\2{HIDDEN}"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), HIDDEN),
    (re.compile(r"(?<!\d)\d{6}[- ]?\d{4}(?!\d)"), HIDDEN),
)
_LEVELS = {"critical": logging.CRITICAL, "error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO}


def masked(value: object, name: str = "") -> object:
    """The same without secrets and persons, also within lists and mappings.

    Args:
        value: What is to be written.
        name: What it is called; by that alone some values are not written.
    """
    if SECRET.search(name) or PERSONAL.search(name):
        return HIDDEN
    if isinstance(value, str):
        for pattern, instead in WITHIN:
            value = pattern.sub(instead, value)
        return value
    if isinstance(value, Mapping):
        return {str(key): masked(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return masked(str(value))


def where_it_broke(error: BaseException) -> dict[str, object]:
    """An unexpected error without its words, which may hold what somebody typed: its kind and the way to it."""
    frames = traceback.extract_tb(error.__traceback__)
    way = [f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
    said: dict[str, object] = {"error": type(error).__name__, "way": way[-12:]}
    if error.__cause__ is not None:
        said["cause"] = type(error.__cause__).__name__
    return said


def _instant(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    at = clock.now()
    record = line.get("_record")
    if isinstance(record, logging.LogRecord):
        at = datetime.fromtimestamp(record.created, UTC)
    return {"at": at.isoformat(timespec="milliseconds"), "date": clock.danish_day(at).isoformat(), **line}


def _of_others(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """What was said by the standard library's logging: its words are the message, its event and facts are ours."""
    record = line.get("_record")
    if not isinstance(record, logging.LogRecord) or line.get("_from_structlog"):
        return line
    line["message"] = line.pop("event", "")
    line["event"] = getattr(record, "event", record.name)
    line.update(getattr(record, "facts", {}))
    broken = line.pop("exc_info", None) or record.exc_info
    if isinstance(broken, tuple) and broken[1] is not None:
        line.update(where_it_broke(broken[1]))
    return line


def _masked(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    kept: MutableMapping[str, Any] = {}
    for name, value in line.items():
        kept[name] = value if name in {"at", "date", "level", "event"} else masked(value, name)
    return kept


_SAID_BY_ALL: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
)


def formatter() -> logging.Formatter:
    """What makes a line of JSON of a record, whether structlog or the standard library's logging said it."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SAID_BY_ALL],
        processors=[
            _of_others,
            _instant,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _masked,
            structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=False),
        ],
    )


def logger(name: str) -> Any:  # noqa: ANN401 - structlog's loggers carry no type of their own
    """A logger of ours, ``mellemregning.<name>``; it says nothing at all before ``to_stderr`` was called."""
    return structlog.wrap_logger(
        logging.getLogger(f"{ROOM}.{name}"),
        processors=[*_SAID_BY_ALL, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def to_stderr(level: str = "info", stream: TextIO | None = None) -> logging.Handler:
    """Write what we, gunicorn and the libraries say to the error stream, from this level on; answers the handler."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter())
    ours = logging.getLogger(ROOM)
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(_LEVELS.get(level, logging.INFO))
    for name in ("gunicorn.error", "py.warnings", "alembic", "sqlalchemy", "urllib3", "authlib"):
        other = logging.getLogger(name)
        other.handlers, other.propagate = [handler], False
        other.setLevel(logging.INFO if name == "gunicorn.error" else logging.WARNING)
    logging.captureWarnings(capture=True)
    return handler
