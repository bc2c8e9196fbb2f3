"""Draw a laid-out document as PDF/A-3b with the tags of PDF/UA-1 and the e-invoice within: the same bytes each time."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from importlib import resources

import typst

from exports.pdf.glyphs import as_data
from exports.pdf.layout_document import PrintedDocument


class Press:
    """A compiler with the template and the fonts that are shipped, and no others; it draws one after the other."""

    def __init__(self) -> None:
        files = resources.files("exports.pdf")
        with resources.as_file(files.joinpath("fonts")) as fonts:
            self._compiler = typst.Compiler(font_paths=[str(fonts)], ignore_system_fonts=True)
        self._template = files.joinpath("document.typ").read_bytes()

    def pdf(self, document: PrintedDocument, day: date, xml: bytes = b"") -> bytes:
        """The document's file.

        Args:
            document: What it says.
            day: The document's date, which the file bears too.
            xml: The e-invoice to put into it, or nothing.
        """
        return self.compiled(inputs_of(document, xml), day)

    def compiled(self, inputs: dict[str, str], day: date) -> bytes:
        """The file of inputs that are ready: what the compiler alone does."""
        made = self._compiler.compile(
            input=self._template,
            sys_inputs=inputs,
            format="pdf",
            pdf_standards=["a-3b", "ua-1"],
            timestamp=datetime.combine(day, time(), UTC),
        )
        if not isinstance(made, bytes):
            raise TypeError  # one PDF is one file, whatever the stubs allow
        return made


def inputs_of(document: PrintedDocument, xml: bytes) -> dict[str, str]:
    """What the template is told."""
    inputs = {"document": as_data(asdict(document))}
    if xml:
        inputs["xml"] = xml.decode("utf-8")
    return inputs
