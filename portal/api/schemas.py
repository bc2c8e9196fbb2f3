"""The schemas of what was there first: agreements, documents, plans, statements, web-hooks and problems."""

from __future__ import annotations

from typing import Any

from billing.deadline_status import Status
from billing.invoice.facts import ClaimKind, DocumentType, LineKind
from billing.monthly_run.facts import PlanState, PlanWarning
from billing.usage_statement.facts import Measure
from exports.delivery.facts import ChannelKind, DeliveryState
from foundation.hooks import EVENTS
from portal.api.described import (
    DAY,
    EXAMPLES,
    FLAG,
    INSTANT,
    MONTH,
    MUNICIPALITY,
    OERE,
    PLAIN,
    TEXT,
    WHOLE,
    Schema,
    describe,
    describe_page,
    maybe,
    several,
    some,
    whole,
    words,
)
from portal.api.doors import AGREEMENT, NUMBER

HEAD = {
    "issuer": MUNICIPALITY,
    "number": {"type": "string", "pattern": f"^{NUMBER.pattern}$"},
    "subscriber": MUNICIPALITY,
    "document_type": words(DocumentType),
    "kind": words(ClaimKind),
    "agreement": maybe(TEXT),
    "title": TEXT,
    "period_from": DAY,
    "issue_date": DAY,
    "due_date": DAY,
    "amount_oere": OERE,
    "internal": FLAG,
    "provisional": FLAG,
    "credited_by": maybe(TEXT),
}
LINE = whole(
    agreement=TEXT,
    provider=MUNICIPALITY,
    service=TEXT,
    kind=words(LineKind),
    text=TEXT,
    accounting_year=WHOLE,
    amount_oere=OERE,
    version=maybe(WHOLE),
)
NOT_BILLED = whole(agreement=TEXT, month=MONTH, subscriber=maybe(MUNICIPALITY), error=TEXT, message=TEXT)
PLAN_HEAD = {
    "number": WHOLE,
    "agreement": maybe(TEXT),
    "month": maybe(MONTH),
    "as_of": DAY,
    "planned_by": TEXT,
    "four_eyes": FLAG,
    "state": words(PlanState),
    "hash": TEXT,
    "events": several(whole(state=words(PlanState), on=DAY, actor=TEXT, note=TEXT)),
    "failed": several(NOT_BILLED),
}
PLANNED = whole(
    agreement=TEXT,
    month=MONTH,
    subscriber=MUNICIPALITY,
    amount_oere=OERE,
    previous_oere=maybe(OERE),
    internal=FLAG,
    change=TEXT,
    warnings=several(words(PlanWarning)),
)
STATEMENT_HEAD = {"agreement": TEXT, "period": TEXT, "edition": WHOLE, "released_on": DAY}
HOOK = {
    "number": WHOLE,
    "url": TEXT,
    "events": several({"type": "string", "enum": list(EVENTS)}),
    "active": FLAG,
    "made_by": TEXT,
    "made_at": INSTANT,
}

OWN: dict[str, Schema] = {
    "Agreement": whole(
        code={"type": "string", "pattern": f"^{AGREEMENT.pattern}$"},
        title=TEXT,
        legal_basis=TEXT,
        starts_on=DAY,
        ends_on=maybe(DAY),
        issuer=MUNICIPALITY,
        providers=several(MUNICIPALITY),
        services=several(whole(code=TEXT, title=TEXT)),
        members=several(whole(municipality=MUNICIPALITY, from_year=WHOLE, to_year=maybe(WHOLE))),
        roles=several({"type": "string", "enum": ["issuer", "provider", "subscriber"]}),
    ),
    "Price": whole(
        agreement=TEXT,
        year=WHOLE,
        version=WHOLE,
        reference_date=DAY,
        cost_oere=OERE,
        weights=WHOLE,
        told_on=maybe(DAY),
        parts=several(
            whole(
                municipality=MUNICIPALITY,
                population=WHOLE,
                weight=WHOLE,
                share_oere=OERE,
                passed_on_oere=OERE,
                obligation_oere=OERE,
            )
        ),
    ),
    "Deadline": whole(
        agreement=TEXT,
        year=WHOLE,
        kind=TEXT,
        for_month=maybe(MONTH),
        due_on=DAY,
        title=TEXT,
        clause=TEXT,
        status=maybe(words(Status)),
    ),
    "InvoiceHead": whole(**HEAD),
    "Invoice": whole(**HEAD, period_to=DAY, note=TEXT, credits=maybe(TEXT), lines=several(LINE)),
    "OpenItem": whole(
        issuer=MUNICIPALITY,
        number=TEXT,
        subscriber=MUNICIPALITY,
        due_date=DAY,
        amount_oere=OERE,
        settled_oere=OERE,
        open_oere=OERE,
    ),
    "Payment": whole(
        number=WHOLE,
        account=TEXT,
        booked_on=DAY,
        value_date=DAY,
        amount_oere=OERE,
        applied_oere=OERE,
        left_oere=OERE,
        bank_reference=TEXT,
        payer=maybe(MUNICIPALITY),
    ),
    "Delivery": whole(
        id=TEXT,
        recipient=TEXT,
        subject=TEXT,
        channel=words(ChannelKind),
        state=words(DeliveryState),
        attempts=WHOLE,
        due_at=maybe(INSTANT),
        history=several(whole(state=words(DeliveryState), at=INSTANT, reached=TEXT, detail=TEXT)),
    ),
    "PlanHead": whole(**PLAN_HEAD),
    "Plan": whole(
        **PLAN_HEAD,
        total_oere=OERE,
        documents=several(PLANNED),
        missing=several(whole(rule=TEXT, message=TEXT, bills=WHOLE)),
    ),
    "Issue": whole(
        plan=WHOLE,
        issued=several(whole(issuer=MUNICIPALITY, number=TEXT, subscriber=MUNICIPALITY, amount_oere=OERE)),
        failed=several(NOT_BILLED),
    ),
    "StatementHead": whole(**STATEMENT_HEAD),
    "Statement": whole(
        **STATEMENT_HEAD,
        figures=several(whole(measure=words(Measure), service=TEXT, residence=TEXT, count=maybe(WHOLE))),
    ),
    "HookHead": whole(**HOOK),
    "Hook": {**whole(**HOOK, secret=TEXT), "required": list(HOOK)},
    "Problem": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "description": "urn:mellemregning: and the broken rule's name."},
            "title": TEXT,
            "status": WHOLE,
            "detail": {"type": "string", "description": "A sentence, Danish unless the service speaks English."},
            "instance": {"type": "string", "description": "urn:request: and the request's id, as in the log."},
            "problems": {
                "type": "array",
                "items": TEXT,
                "description": "Of a file with mistakes each of them, with its place.",
            },
        },
        "required": ["type", "title", "status", "detail", "instance"],
    },
    "PlanWish": some(agreement=maybe({"type": "string", "pattern": f"^{AGREEMENT.pattern}$"}), month=maybe(MONTH)),
    "Approval": some(note=maybe(PLAIN), hash=maybe({"type": "string", "maxLength": 64})),
    "Note": some(note=maybe(PLAIN)),
    "Nothing": some(),
    "HookWish": {
        **some(
            url={"type": "string", "format": "uri", "maxLength": 500},
            events={
                "type": "array",
                "items": {"type": "string", "enum": list(EVENTS)},
                "minItems": 1,
                "default": list(EVENTS),
            },
        ),
        "required": ["url"],
    },
}
PAGES = {
    "AgreementPage": "Agreement",
    "PricePage": "Price",
    "DeadlinePage": "Deadline",
    "InvoicePage": "InvoiceHead",
    "OpenItemPage": "OpenItem",
    "PaymentPage": "Payment",
    "DeliveryPage": "Delivery",
    "PlanPage": "PlanHead",
    "StatementPage": "StatementHead",
    "HookPage": "HookHead",
}

_HEAD_EXAMPLE = {
    "issuer": "461",
    "number": "F2008-0001",
    "subscriber": "420",
    "document_type": "invoice",
    "kind": "aconto",
    "agreement": "fyn-alkohol",
    "title": "A conto januar 2009",
    "period_from": "2009-01-01",
    "issue_date": "2008-12-15",
    "due_date": "2009-01-14",
    "amount_oere": 19420282,
    "internal": False,
    "provisional": False,
    "credited_by": None,
}
_PLAN_EXAMPLE: Schema = {
    "number": 12,
    "agreement": None,
    "month": None,
    "as_of": "2008-12-15",
    "planned_by": "anna@eksempel.dk",
    "four_eyes": True,
    "state": "planned",
    "hash": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
    "events": [],
    "failed": [],
}
_STATEMENT_EXAMPLE = {"agreement": "fyn-alkohol", "period": "2009-H1", "edition": 1, "released_on": "2009-08-14"}
_HOOK_EXAMPLE = {
    "number": 1,
    "url": "https://oekonomi.eksempel.dk/mellemregning",
    "events": list(EVENTS),
    "active": True,
    "made_by": "anna@eksempel.dk",
    "made_at": "2008-12-01T08:00:00+00:00",
}
OWN_EXAMPLES: dict[str, Any] = {
    "Agreement": {
        "code": "fyn-alkohol",
        "title": "Aftale om drift af tilbud om vederlagsfri behandling for alkoholmisbrug",
        "legal_basis": "Sundhedsloven § 141, stk. 3",
        "starts_on": "2009-01-01",
        "ends_on": None,
        "issuer": "461",
        "providers": ["461", "479"],
        "services": [{"code": "ambulant", "title": "Ambulant alkoholbehandling"}],
        "members": [{"municipality": "420", "from_year": 2009, "to_year": None}],
        "roles": ["subscriber"],
    },
    "Price": {
        "agreement": "fyn-alkohol",
        "year": 2009,
        "version": 1,
        "reference_date": "2008-01-01",
        "cost_oere": 2466733333,
        "weights": 445136,
        "told_on": "2008-05-30",
        "parts": [
            {
                "municipality": "420",
                "population": 42054,
                "weight": 42054,
                "share_oere": 233043392,
                "passed_on_oere": 0,
                "obligation_oere": 233043392,
            }
        ],
    },
    "Deadline": {
        "agreement": "fyn-alkohol",
        "year": 2009,
        "kind": "advance_invoice",
        "for_month": "2009-01",
        "due_on": "2008-12-15",
        "title": "A conto regning for januar 2009 sendes",
        "clause": "§ 7 stk. 1",
        "status": None,
    },
    "InvoiceHead": _HEAD_EXAMPLE,
    "Invoice": {
        **_HEAD_EXAMPLE,
        "period_to": "2009-01-31",
        "note": "",
        "credits": None,
        "lines": [
            {
                "agreement": "fyn-alkohol",
                "provider": "461",
                "service": "ambulant",
                "kind": "share",
                "text": "Andel, januar 2009",
                "accounting_year": 2009,
                "amount_oere": 19420282,
                "version": 1,
            }
        ],
    },
    "OpenItem": {
        "issuer": "461",
        "number": "F2008-0001",
        "subscriber": "420",
        "due_date": "2009-01-14",
        "amount_oere": 19420282,
        "settled_oere": 0,
        "open_oere": 19420282,
    },
    "Payment": {
        "number": 7,
        "account": "00000000000000",
        "booked_on": "2009-01-14",
        "value_date": "2009-01-14",
        "amount_oere": 19420282,
        "applied_oere": 19420282,
        "left_oere": 0,
        "bank_reference": "B-1",
        "payer": "420",
    },
    "Delivery": {
        "id": "document/461/F2008-0001",
        "recipient": "420",
        "subject": "Faktura F2008-0001 til Assens Kommune",
        "channel": "http",
        "state": "accepted",
        "attempts": 1,
        "due_at": None,
        "history": [
            {
                "state": "handed_over",
                "at": "2008-12-15T10:00:00+00:00",
                "reached": "https://adgangspunkt.eksempel.dk/",
                "detail": "HTTP 200",
            }
        ],
    },
    "PlanHead": _PLAN_EXAMPLE,
    "Plan": {
        **_PLAN_EXAMPLE,
        "total_oere": 19420282,
        "documents": [
            {
                "agreement": "fyn-alkohol",
                "month": "2009-01",
                "subscriber": "420",
                "amount_oere": 19420282,
                "previous_oere": None,
                "internal": False,
                "change": "",
                "warnings": ["first_month"],
            }
        ],
        "missing": [],
    },
    "Issue": {
        "plan": 12,
        "issued": [{"issuer": "461", "number": "F2008-0001", "subscriber": "420", "amount_oere": 19420282}],
        "failed": [],
    },
    "StatementHead": _STATEMENT_EXAMPLE,
    "Statement": {
        **_STATEMENT_EXAMPLE,
        "figures": [
            {"measure": "started", "service": "ambulant", "residence": "420", "count": 12},
            {"measure": "completed", "service": "ambulant", "residence": "420", "count": None},
        ],
    },
    "HookHead": _HOOK_EXAMPLE,
    "Hook": {**_HOOK_EXAMPLE, "secret": "64 hexadecimal digits, shown this once"},
    "PlanWish": {"month": "2009-01"},
    "Approval": {"note": "Set efter", "hash": _PLAN_EXAMPLE["hash"]},
    "Note": {"note": "Budgettet rettes først"},
    "Nothing": {},
    "HookWish": {"url": "https://oekonomi.eksempel.dk/mellemregning", "events": ["document.issued"]},
    "Problem": {
        "type": "urn:mellemregning:InvoiceUnknown",
        "title": "Not Found",
        "status": 404,
        "detail": "Der er intet bilag F2008-0001.",
        "instance": "urn:request:0123456789abcdef",
    },
}
for _name, _schema in OWN.items():
    describe(_name, _schema, OWN_EXAMPLES[_name])
for _page, _item in PAGES.items():
    describe_page(_page, _item)
AGREEMENT_EXAMPLE, PRICE_EXAMPLE, PAYMENT_EXAMPLE = (EXAMPLES[name] for name in ("Agreement", "Price", "Payment"))
