"""Fakturaspecifikation: what one municipality was invoiced in a period, document by document and line by line."""

from __future__ import annotations

from collections.abc import Sequence

from agreements.agreement import Agreement, Clause
from billing.invoice.facts import ClaimKind, DocumentType, InvoiceLine, IssuedDocument, LineKind
from exports.excel.overview import Control, Fact, Step, overview
from exports.excel.sheet_draft import Column, SheetDraft, Table, kroner_column
from exports.excel.workbook import Sheet, Style, Workbook
from foundation.period import Period

DOCUMENTS = "Bilag"
LINES = "Linjer"

INVOICE, CREDIT_NOTE = "Faktura", "Kreditnota"
TYPES = {DocumentType.INVOICE: INVOICE, DocumentType.CREDIT_NOTE: CREDIT_NOTE}
CLAIMS = {
    ClaimKind.ACONTO: "A conto",
    ClaimKind.EXIT_SETTLEMENT: "Udtræden",
    ClaimKind.INTEREST: "Morarente",
    ClaimKind.CASE: "Enkeltsager",
    ClaimKind.SURPLUS_CAPACITY: "Overskudskapacitet",
    ClaimKind.TRUE_UP: "Efterregulering",
}
LINE_KINDS = {
    LineKind.SHARE: "Andel af udgiften",
    LineKind.PASSED_ON: "Tidligere års resultat",
    LineKind.EXIT: "Afregning ved udtræden",
    LineKind.INTEREST: "Morarente",
    LineKind.CASE: "Enkeltsag",
    LineKind.SURPLUS_CAPACITY: "Salg af overskudskapacitet",
    LineKind.TRUE_UP: "Efterregulering af resultat",
    LineKind.NET_ASSETS: "Andel af nettoformue",
}
YES, NO = "Ja", "Nej"
NOTHING = "Der er ikke udstedt bilag i perioden."


def invoice_specification_workbook(
    agreement: Agreement,
    municipality_name: str,
    period: Period,
    documents: Sequence[IssuedDocument],
) -> Workbook:
    """Lay out what one municipality was invoiced (Fakturaspecifikation).

    Args:
        agreement: Its code and title.
        municipality_name: Whose documents they are.
        period: The days that were asked about.
        documents: As they were issued; credit notes and internal vouchers among them.

    Returns:
        The workbook; each formula has the value that it comes to.

    Source: agreement § 7; domain rules 14 and 15.
    """
    ordered = sorted(documents, key=lambda document: (document.issue_date, document.number))
    days = f"{period.from_day:%d.%m.%Y} - {period.last_day:%d.%m.%Y}"
    lines, lines_table = _lines(municipality_name, days, ordered)
    listed, documents_table = _documents(municipality_name, days, ordered, lines_table)
    return Workbook(
        title=f"Fakturaspecifikation, {municipality_name}, {agreement.code}, {days}",
        subject=agreement.title,
        created=period.last_day,
        sheets=(
            _overview(agreement, municipality_name, period, ordered, documents_table, lines_table),
            listed,
            lines,
        ),
    )


def _yes(yes: bool) -> str:  # noqa: FBT001 - it is what is shown
    return YES if yes else NO


def _documents(name: str, days: str, documents: Sequence[IssuedDocument], lines: Table) -> tuple[Sheet, Table]:
    amounts = [document.amount_oere for document in documents]
    of_lines = [sum(line.amount_oere for line in document.lines) for document in documents]
    draft = SheetDraft(
        DOCUMENTS,
        f"Bilag til {name}",
        f"Udstedt {days}. Et negativt beløb er i kommunens favør; et internt bilag opkræver intet",
    )
    table = draft.table(
        [
            Column("number", "Nummer", Style.TEXT, [document.number for document in documents]),
            Column("type", "Type", Style.TEXT, [TYPES[document.document_type] for document in documents]),
            Column("claim", "Krav", Style.TEXT, [CLAIMS.get(document.kind, document.kind) for document in documents]),
            Column("issued", "Dato", Style.DATE, [document.issue_date for document in documents]),
            Column("due", "Forfald", Style.DATE, [document.due_date for document in documents]),
            Column("from_day", "Periode\nfra", Style.DATE, [document.period.from_day for document in documents]),
            Column("last_day", "Periode\ntil", Style.DATE, [document.period.last_day for document in documents]),
            Column("text", "Tekst", Style.TEXT, [document.title for document in documents]),
            Column("credits", "Krediterer", Style.TEXT, [document.credits or "" for document in documents]),
            Column("credited_by", "Krediteret\naf", Style.TEXT, [document.credited_by or "" for document in documents]),
            Column("provisional", "Foreløbig", Style.TEXT, [_yes(document.provisional) for document in documents]),
            Column("internal", "Internt", Style.TEXT, [_yes(document.internal) for document in documents]),
            Column("note", "Bemærkning", Style.TEXT, [document.note for document in documents]),
            Column("amount", "Beløb\n(øre)", Style.OERE, amounts, None, sum(amounts)),
            kroner_column("kroner", "Beløb\n(kr.)", "amount", amounts),
            Column(
                "lines",
                "Linjer\n(øre)",
                Style.OERE,
                of_lines,
                f"=SUMPRODUCT(({lines.column('number')}={{number}})*{lines.column('amount')})",
                sum(of_lines),
            ),
        ],
        nothing=NOTHING,
    )
    return draft.finish(frozen_columns=1), table


def _lines(name: str, days: str, documents: Sequence[IssuedDocument]) -> tuple[Sheet, Table]:
    rows: list[tuple[IssuedDocument, InvoiceLine]] = [
        (document, line) for document in documents for line in document.lines
    ]
    lines = [line for _, line in rows]
    amounts = [line.amount_oere for line in lines]
    draft = SheetDraft(LINES, f"Linjer på bilag til {name}", f"Udstedt {days}. Linjerne er, som de stod på bilaget")
    table = draft.table(
        [
            Column("number", "Nummer", Style.TEXT, [document.number for document, _ in rows]),
            Column("type", "Type", Style.TEXT, [TYPES[document.document_type] for document, _ in rows]),
            Column("agreement", "Aftale", Style.TEXT, [line.agreement for line in lines]),
            Column("provider", "Leverandør", Style.TEXT, [line.provider_name for line in lines]),
            Column("service", "Ydelse", Style.TEXT, [line.service_title for line in lines]),
            Column("kind", "Art", Style.TEXT, [LINE_KINDS.get(line.kind, line.kind) for line in lines]),
            Column("from_day", "Periode\nfra", Style.DATE, [line.period.from_day for line in lines]),
            Column("last_day", "Periode\ntil", Style.DATE, [line.period.last_day for line in lines]),
            Column("year", "Regnskabs-\når", Style.CODE, [str(line.accounting_year) for line in lines]),
            Column(
                "version",
                "Beregning,\nversion",
                Style.CODE,
                ["" if line.version is None else str(line.version) for line in lines],
            ),
            Column("text", "Tekst", Style.TEXT, [line.text for line in lines]),
            Column("vat", "Momsfritagelse", Style.TEXT, [line.vat_exemption for line in lines]),
            Column("amount", "Beløb\n(øre)", Style.OERE, amounts, None, sum(amounts)),
            kroner_column("kroner", "Beløb\n(kr.)", "amount", amounts),
        ],
        nothing=NOTHING,
    )
    return draft.finish(frozen_columns=1), table


def _overview(  # noqa: PLR0913, PLR0917 - the facts and the two lists
    agreement: Agreement,
    name: str,
    period: Period,
    documents: Sequence[IssuedDocument],
    listed: Table,
    lines: Table,
) -> Sheet:
    def summed(key: str, word: str) -> str:
        return f'SUMPRODUCT(({listed.column(key)}="{word}")*{listed.column("amount")})'

    invoiced = sum(one.amount_oere for one in documents if one.document_type is DocumentType.INVOICE)
    credited = sum(one.amount_oere for one in documents if one.document_type is DocumentType.CREDIT_NOTE)
    internal = sum(one.amount_oere for one in documents if one.internal)
    provisional = sum(one.amount_oere for one in documents if one.provisional)
    total = invoiced + credited
    apart = sum(abs(one.amount_oere - sum(line.amount_oere for line in one.lines)) for one in documents)
    steps = [
        Step(
            "Faktureret",
            (summed("type", INVOICE), invoiced),
            agreement.clause(Clause.INVOICING),
            "Sum af fakturaer.",
            DOCUMENTS,
        ),
        Step(
            "Krediteret",
            (summed("type", CREDIT_NOTE), credited),
            "",
            "Sum af kreditnotaer; negativ er i kommunens favør.",
            DOCUMENTS,
        ),
        Step("Netto", (listed.total("amount"), total), "", "Fakturaer og kreditnotaer tilsammen.", DOCUMENTS),
        Step("Heraf internt", (summed("internal", YES), internal), "", "Interne bilag, der ikke opkræves.", DOCUMENTS),
        Step(
            "Heraf foreløbigt",
            (summed("provisional", YES), provisional),
            "",
            "Faktureret efter sidste års rate, fordi prisen manglede; rettes, når prisen kommer.",
            DOCUMENTS,
        ),
        Step("Linjer", (lines.total("amount"), total - _missing(documents)), "", "Sum af alle linjer.", LINES),
    ]
    controls = [
        Control(
            "Hvert bilag er lig sine linjer",
            f"=SUMPRODUCT(ABS({listed.column('amount')}-{listed.column('lines')}))",
            apart,
            "Sum af forskelle uden fortegn.",
        ),
        Control(
            "Bilag i alt er lig linjer i alt",
            f"={listed.total('amount')}-{lines.total('amount')}",
            _missing(documents),
            "Alle bilag minus alle linjer.",
        ),
        Control(
            "Fakturaer og kreditnotaer er alle bilag",
            f"={listed.total('amount')}-{summed('type', INVOICE)}-{summed('type', CREDIT_NOTE)}",
            0,
            "Intet bilag er af en anden type.",
        ),
    ]
    return overview(
        f"Fakturaspecifikation for {name}",
        agreement.title,
        facts=[
            Fact("Aftale", agreement.code),
            Fact("Fra", period.from_day, Style.DATE),
            Fact("Til og med", period.last_day, Style.DATE),
            Fact("Antal bilag", str(len(documents))),
        ],
        steps=steps,
        controls=controls,
    )


def _missing(documents: Sequence[IssuedDocument]) -> int:
    return sum(one.amount_oere - sum(line.amount_oere for line in one.lines) for one in documents)
