"""What drafts would lack as e-invoices: told when a plan is made, a reason not to issue where those are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from sqlalchemy import Connection

from agreements import trading_run
from agreements.agreement import Agreement, MunicipalityCode
from agreements.trading import Addressed, Finding
from billing.invoice import store
from billing.invoice.facts import ClaimKind, DocumentDraft
from foundation.errors import N_, RuleBroken


class NotFitToIssue(RuleBroken):
    """A bill cannot become a valid e-invoice, and its issuer issues nothing else; it was left out."""

    danish = N_(
        "bilaget til {municipality} kan ikke blive en gyldig e-faktura:\n{lines}\n"
        "Ret det, og kør igen. Skal der udstedes alligevel, vælges det med «mellemregning issuer details {issuer} "
        "--unfit warned».",
    )
    findings: tuple[Finding, ...] = ()

    def __init__(self, *, municipality: str, issuer: str, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(municipality=municipality, issuer=issuer, rules=tuple(found.rule for found in findings))

    def text(self, translate: Callable[[str], str] = str) -> str:
        """The sentence and every finding, in Danish or as ``translate`` renders the Danish."""
        found = "\n".join(f"  - {each.text(translate)}" for each in self.findings)
        lines = found or self.facts.get("lines", "")
        return translate(self.danish).format(**{**self.facts, "lines": lines})

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (str(self.facts["municipality"]), str(self.facts["issuer"]), self.findings))


def _rebuild(municipality: str, issuer: str, findings: tuple[Finding, ...]) -> NotFitToIssue:
    return NotFitToIssue(municipality=municipality, issuer=issuer, findings=findings)


def missing_details(
    connection: Connection,
    drafts: Sequence[DocumentDraft],
    day: date,
    agreed: Iterable[Agreement] | None = None,
) -> list[tuple[Finding, ...]]:
    """What each draft lacks as an e-invoice; set-based.

    Args:
        connection: Where to read.
        drafts: Of any issuers and agreements, as they are planned.
        day: The date that they would bear.
        agreed: Their agreements, where the caller has them already; else they are read.

    Returns:
        For each draft, in order, its findings, each with the official rule's id; nothing for a complete one, and
        nothing for an internal one, which is never sent.
    """
    sent = [(place, draft) for place, draft in enumerate(drafts) if not draft.internal]
    paid_out = [draft.amount_oere < 0 for _, draft in sent]
    following = _followers(connection, [draft for _, draft in sent], paid_out)
    addressed = [
        _addressed(draft, is_credit, follows)
        for (_, draft), is_credit, follows in zip(sent, paid_out, following, strict=True)
    ]
    found = trading_run.missing_details(connection, addressed, day, agreed)
    answers: list[tuple[Finding, ...]] = [()] * len(drafts)
    for (place, _), findings in zip(sent, found, strict=True):
        answers[place] = findings
    return answers


def missing_by_payer(
    connection: Connection, drafts: Sequence[DocumentDraft], day: date
) -> dict[MunicipalityCode, tuple[Finding, ...]]:
    """As ``missing_details``, by payer, and nothing of whoever's documents are complete."""
    together: dict[MunicipalityCode, tuple[Finding, ...]] = {}
    for draft, findings in zip(drafts, missing_details(connection, drafts, day), strict=True):
        if findings:
            who = draft.subscriber.municipality
            together[who] = tuple(dict.fromkeys((*together.get(who, ()), *findings)))
    return together


def refused(connection: Connection, drafts: Sequence[DocumentDraft], day: date) -> dict[int, NotFitToIssue]:
    """The drafts that are not to be issued: their issuer sends e-invoices, and they cannot become valid ones.

    Args:
        connection: Where to read.
        drafts: About to be issued.
        day: The date that they will bear.

    Returns:
        Place in ``drafts`` -> why not.

    Source: docs/decisions/0031-unfit-documents.md.
    """
    refusing = trading_run.refusing_issuers(connection, day)
    judged = [place for place, draft in enumerate(drafts) if draft.issuer.municipality in refusing]
    found = missing_details(connection, [drafts[place] for place in judged], day) if judged else ()
    return {
        place: NotFitToIssue(
            municipality=drafts[place].subscriber.name,
            issuer=drafts[place].issuer.municipality,
            findings=findings,
        )
        for place, findings in zip(judged, found, strict=True)
        if findings
    }


def _followers(connection: Connection, drafts: Sequence[DocumentDraft], paid_out: Sequence[bool]) -> list[bool]:
    """Whether each draft that pays out has an invoice before it, issued or among them, for its credit note to name."""
    if not any(paid_out):
        return [True] * len(drafts)
    invoiced = store.invoiced(connection, {draft.issuer.municipality for draft in drafts})
    answers = []
    for draft, is_credit in zip(drafts, paid_out, strict=True):
        keys = {(draft.issuer.municipality, draft.subscriber.municipality, line.agreement) for line in draft.lines}
        answers.append(not is_credit or not keys.isdisjoint(invoiced))
        if not is_credit:
            invoiced |= keys
    return answers


def _addressed(draft: DocumentDraft, is_credit: bool, follows: bool) -> Addressed:  # noqa: FBT001 - as Addressed has them
    issuer, payer = draft.issuer, draft.subscriber
    lines = [(line.agreement, line.service, line.vat_exemption) for line in draft.lines]
    # By place, in the order of the fields: a national month asks for fifty thousand.
    return Addressed(
        issuer.municipality,
        issuer.name,
        issuer.cvr,
        issuer.gln,
        payer.municipality,
        payer.name,
        payer.cvr,
        payer.gln,
        tuple(lines if len(lines) == 1 else dict.fromkeys(lines)),
        is_credit,
        draft.kind is ClaimKind.INTEREST,
        follows,
    )
