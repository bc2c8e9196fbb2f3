"""PostgreSQL's ``COPY … FROM STDIN``, with work of our own while the server looks at what it was sent.

When the last row has come, the server checks every foreign key of all of them before it answers. That takes it as long
again as the rows did, and nobody has to wait for it with folded hands. Only PostgreSQL's users load this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import generators, pq, waiting
from psycopg.copy import LibpqWriter

if TYPE_CHECKING:
    from psycopg.abc import PQGen


def copy_in(
    connection: psycopg.Connection[Any],
    statement: str,
    rows: Iterable[tuple[Any, ...]],
    meanwhile: Callable[[], None] | None,
) -> None:
    """Send rows; answers when the server has them.

    Args:
        connection: The driver's, within a transaction.
        statement: The ``COPY``, written by us.
        rows: In the order of its columns.
        meanwhile: What is to be done while the server checks them; it must leave the connection alone.

    Raises:
        psycopg.Error: the server refuses them; ``meanwhile`` may have been done by then.
    """
    with connection.cursor() as cursor:
        writer = None if meanwhile is None else _Patient(cursor, meanwhile)
        with cursor.copy(statement.encode(), writer=writer) as copy:
            for row in rows:
                copy.write_row(row)


class _Patient(LibpqWriter):
    """Says that all was sent, lets something else be done, and then asks what became of it."""

    def __init__(self, cursor: psycopg.Cursor[Any], meanwhile: Callable[[], None]) -> None:
        super().__init__(cursor)
        self.meanwhile = meanwhile

    def finish(self, exc: BaseException | None = None) -> None:
        """End the ``COPY``, or break it off where making the rows failed."""
        if exc is not None:
            super().finish(exc)
            return
        server = self.connection.pgconn
        self.connection.wait(_all_is_sent(server))
        try:
            self.meanwhile()
        finally:
            (result,) = self.connection.wait(generators.fetch_many(server))
            if result.status != pq.ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(result, encoding=self.connection.info.encoding)


def _all_is_sent(server: pq.abc.PGconn) -> PQGen[None]:
    while server.put_copy_end() == 0:
        while not (yield waiting.Wait.W):
            pass
    while True:
        while not (yield waiting.Wait.W):
            pass
        if server.flush() == 0:
            return
