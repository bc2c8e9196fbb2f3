"""What a reminder letter says, and how it looks; pure. All it says goes in as data, never as markup."""

from __future__ import annotations

from agreements.municipality import municipality
from billing.payment.reminder_rules import ReminderLetter
from foundation.money import kroner

TEMPLATE = """
#let letter = json(bytes(sys.inputs.letter))
#set document(title: letter.title, author: letter.from)
#set page(paper: "a4", margin: (x: 25mm, y: 25mm), footer: context align(right, text(8pt)[
  #letter.footer, side #counter(page).display() af #counter(page).final().first()
]))
#set text(lang: "da", size: 10pt, font: "Source Sans Pro")
#grid(columns: (1fr, auto), [#for line in letter.to [#line \\ ]], align(right)[#for line in letter.sender [#line \\ ]])
#v(15mm)
#align(right, letter.day)
= #letter.title
#v(4mm)
#for line in letter.before [#par(line)]
#v(2mm)
#table(
  columns: (auto, 1fr, auto, auto, auto, auto),
  align: (left, left, left, right, left, right),
  stroke: none,
  table.header(..letter.heading.map(cell => strong(cell))),
  table.hline(stroke: 0.5pt),
  ..letter.rows.flatten(),
  table.hline(stroke: 0.5pt),
  [], strong(letter.total.at(0)), [], [], [], strong(letter.total.at(1)),
)
#v(4mm)
#for line in letter.after [#par(line)]
#v(6mm)
#par(letter.greeting)
#par(letter.from)
"""

HEADING = ("Nummer", "Tekst", "Forfald", "Dage", "Betalingsreference", "Beløb kr.")


def title_of(letter: ReminderLetter) -> str:
    """``Påmindelse`` at first, then ``Rykker 2``."""
    return "Påmindelse om betaling" if letter.level == 1 else f"Rykker {letter.level}: betaling mangler"


def letter_data(letter: ReminderLetter) -> dict[str, object]:
    """All that the letter says, as texts.

    Source: agreement § 7 stk. 2.
    """
    issuer, payer = municipality(letter.issuer), municipality(letter.subscriber)
    after = [
        "Er beløbet betalt inden for de seneste dage, bedes I se bort fra brevet.",
        "Der løber rente efter rentelovens § 5 fra dagen efter forfald; den opkræves for sig. Der opkræves ikke gebyr.",
    ]
    if letter.on_account_oere > 0:
        after.insert(
            0,
            f"Vi har modtaget {kroner(letter.on_account_oere)}, som ikke er udlignet med et bilag endnu, og som ikke "
            "er trukket fra. Fortæl os gerne, hvad det er for.",
        )
    return {
        "title": title_of(letter),
        "from": issuer.official_name,
        "to": [payer.official_name, f"CVR {payer.cvr}"],
        "sender": [issuer.official_name, f"CVR {issuer.cvr}"],
        "day": f"{letter.reminded_on:%d.%m.%Y}",
        "before": ["Vi har ikke registreret betaling af følgende:"],
        "heading": list(HEADING),
        "rows": [
            [
                document.number,
                document.title,
                f"{document.due_date:%d.%m.%Y}",
                str(document.days_late),
                document.reference,
                kroner(document.open_oere).removesuffix(" kr."),
            ]
            for document in letter.documents
        ],
        "total": ["I alt", kroner(letter.open_oere).removesuffix(" kr.")],
        "after": after,
        "greeting": "Med venlig hilsen",
        "footer": f"Brev {letter.number}, trin {letter.level}",
    }


def file_name(letter: ReminderLetter) -> str:
    """``2009-03-01 Rykker 2 Assens nr 7.pdf``: sorts by day."""
    what = "Påmindelse" if letter.level == 1 else f"Rykker {letter.level}"
    return f"{letter.reminded_on:%Y-%m-%d} {what} {municipality(letter.subscriber).name} nr {letter.number}.pdf"
