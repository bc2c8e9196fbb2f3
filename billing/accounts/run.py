"""Book vouchers and decisions; never commits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from billing.accounts import store
from billing.accounts.facts import Voucher
from billing.accounts.rules import is_balanced
from foundation.errors import MellemregningError, N_


class VoucherOutOfBalance(MellemregningError):
    """A voucher that does not sum to zero: a fault of the program, stopped before it is booked."""

    danish = N_("Bilag {reference} summer ikke til nul og er ikke bogført. Meld det som en programfejl.")


def book(connection: Connection, vouchers: Sequence[Voucher], meanwhile: Callable[[], None] | None = None) -> None:
    """Append vouchers to the books.

    Args:
        connection: The transaction.
        vouchers: In their order.
        meanwhile: What can be done while the database looks at them; it leaves the connection alone.

    Raises:
        VoucherOutOfBalance: one of them does not sum to zero; none is booked.
    """
    for voucher in vouchers:
        if not is_balanced(voucher):
            raise VoucherOutOfBalance(reference=voucher.reference)
    store.write_vouchers(connection, vouchers, meanwhile)
