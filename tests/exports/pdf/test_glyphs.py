"""Words that the shipped fonts cannot draw never keep a document from being made."""

from __future__ import annotations

import pytest

from exports.e_invoice.layout import invoice_of
from exports.e_invoice.write import ubl_bytes
from exports.pdf.glyphs import covered, drawable
from exports.pdf.layout_document import printed_document
from exports.pdf.write import Press
from tests.exports.e_invoice.made import book, document

SHOWN = {
    "Ærø 😀 你": "Ærø ? ?",
    "Ольга, Ωμέγα, Čapek – “æøå” € ½ § ²": "Ольга, Ωμέγα, Čapek – “æøå” € ½ § ²",
    "a\x00b\x07c\td": "a b c d",
    "linje et\r\nlinje to": "linje et\nlinje to",
    "A\u030arhus, e\u0301t": "Århus, ét",
    "nul\u200bbredde, \ufeffmærke, \u202evendt": "nulbredde, mærke, vendt",
    "surrogat \ud800, privat \ue000, intet \uffff": "surrogat ?, privat ?, intet ?",
    "10\u00a0kr.\u2028næste": "10\u00a0kr. næste",
}


@pytest.mark.parametrize("written", SHOWN)
def test_what_is_drawn(written: str) -> None:
    assert drawable(written) == SHOWN[written]


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


def made(press: Press, note: str) -> bytes:
    noted = document(note=note, title=note)
    invoice = invoice_of(noted, book())
    return press.pdf(printed_document(noted, invoice, {}, {}, {}, attached=True), noted.issue_date, ubl_bytes(invoice))


@pytest.mark.parametrize("written", SHOWN)
def test_the_document_is_made(press: Press, written: str) -> None:
    assert made(press, written).startswith(b"%PDF-")


def test_all_that_is_said_to_be_covered_is_drawn(press: Press) -> None:
    """The compiler refuses what has no glyph, so that it judges our reading of the fonts' tables."""
    known = "".join(sorted(covered()))
    assert len(known) > 1000
    assert all(sign in known for sign in "ABCabcÆØÅæøå0123456789.,-+×–—§½€«»…·«»")
    for start in range(0, len(known), 400):
        made(press, known[start : start + 400])
