"""Usage: a provider's file through the guard, how its columns are read, and the release of statements."""

from __future__ import annotations

from flask import request

from agreements import run as agreements
from agreements.municipality import MUNICIPALITIES
from billing.usage_statement import run as usage
from billing.usage_statement.facts import UsagePeriod
from billing.usage_statement.guard import AdmittedFile, FileContent, admit, require_size
from billing.usage_statement.mapping import ColumnMapping, Shape
from billing.usage_statement.run import Preview, Target
from foundation.period import NotAPeriod
from portal.access.keys import Caller
from portal.api.bodies import PREVIEW, XLSX, is_preview, sent, sent_file
from portal.api.costs import own_code
from portal.api.described import (
    DAY,
    FLAG,
    MUNICIPALITY,
    TEXT,
    WHOLE,
    describe,
    maybe,
    several,
    whole,
    words,
)
from portal.api.doors import Json, Made, Parameter, occasion, operation, path_text
from portal.api.problems import PREFIX, NotHere, ParameterWrong
from portal.api.usage import PERIOD
from portal.own_figures import address_of
from portal.pages import connection

USAGE_FILES = ("text/csv", "text/plain", XLSX)
PROVIDER = Parameter("provider", "Whose counts the file has; the only provider, if there is one.", MUNICIPALITY, "461")

_FIGURES = {"type": "object", "additionalProperties": WHOLE}
_LOAD_HEAD = {
    "provider": MUNICIPALITY,
    "period": TEXT,
    "version": WHOLE,
    "loaded_on": DAY,
    "loaded_by": TEXT,
    "lines": WHOLE,
}
describe(
    "UsageOverview",
    whole(
        agreement=TEXT,
        loads=several(whole(**_LOAD_HEAD)),
        releases=several(whole(period=TEXT, edition=WHOLE, released_on=DAY, released_by=TEXT, is_outdated=FLAG)),
    ),
    {
        "agreement": "fyn-alkohol",
        "loads": [
            {
                "provider": "461",
                "period": "2009-H1",
                "version": 1,
                "loaded_on": "2009-07-10",
                "loaded_by": "anna@eksempel.dk",
                "lines": 18,
            }
        ],
        "releases": [
            {
                "period": "2009-H1",
                "edition": 1,
                "released_on": "2009-08-14",
                "released_by": "bo@eksempel.dk",
                "is_outdated": False,
            }
        ],
    },
)
describe(
    "UsageLoad",
    whole(
        preview=FLAG,
        period=TEXT,
        provider=MUNICIPALITY,
        rows=WHOLE,
        outside=WHOLE,
        totals=WHOLE,
        dropped=several(TEXT),
        problems=several(TEXT),
        counts=several(whole(service=TEXT, residence=TEXT, figures=_FIGURES, before=maybe(_FIGURES))),
        compared_with=maybe(TEXT),
        replaces=maybe(WHOLE),
        version=maybe(WHOLE),
        is_new=FLAG,
    ),
    {
        "preview": True,
        "period": "2009-H1",
        "provider": "461",
        "rows": 18,
        "outside": 0,
        "totals": 1,
        "dropped": ["bemærkning"],
        "problems": [],
        "counts": [{"service": "ambulant", "residence": "420", "figures": {"started": 12}, "before": None}],
        "compared_with": None,
        "replaces": None,
        "version": None,
        "is_new": False,
    },
)
describe(
    "UsageColumns",
    whole(shape=words(Shape), columns={"type": "object", "additionalProperties": TEXT}, version=maybe(WHOLE)),
    {
        "shape": "counts",
        "columns": {"residence": "Bopælskommune", "started": "Påbegyndt"},
        "version": 1,
    },
)
describe(
    "StatementRelease",
    whole(agreement=TEXT, period=TEXT, edition=WHOLE, released_on=DAY, is_new=FLAG, figures=WHOLE, hidden=WHOLE),
    {
        "agreement": "fyn-alkohol",
        "period": "2009-H1",
        "edition": 1,
        "released_on": "2009-08-14",
        "is_new": True,
        "figures": 400,
        "hidden": 37,
    },
)


def _period(text: str) -> UsagePeriod:
    path_text(text, PERIOD)
    try:
        return UsagePeriod.parse(text.replace("_", "/"))
    except (NotAPeriod, ValueError) as error:
        raise NotHere from error


def _provider(providers: tuple[str, ...]) -> str:
    named = request.args.get("provider")
    if named is None and len(providers) == 1:
        return providers[0]
    if named not in MUNICIPALITIES:
        raise ParameterWrong(name="provider", expected=f"En af leverandørerne: {', '.join(providers)}")
    return str(named)


def _admitted() -> AdmittedFile:
    """The file through the guard; it has no name of its own, so that no name can hold a person's number.

    Raises:
        PersonNumberFound, FileRefused.
    """
    if "name" in request.args:
        raise ParameterWrong(name="name", expected="En fil med forbrug har ikke noget navn her")
    name, content = sent_file("forbrug", *USAGE_FILES)
    require_size(len(content))
    return admit(FileContent(name, content))


def said_preview(value: Preview) -> Json:
    """What a file says, counted."""
    reading = value.reading
    return {
        "period": address_of(value.target.period),
        "provider": value.target.provider,
        "rows": reading.rows,
        "outside": reading.outside,
        "totals": reading.totals,
        "dropped": list(reading.dropped),
        "problems": usage.told_problems(reading),
        "counts": [
            {
                "service": each.service,
                "residence": each.residence,
                "figures": {str(measure): count for measure, count in sorted(each.figures.items())},
                "before": {str(measure): count for measure, count in sorted(each.before.items())}
                if each.before is not None
                else None,
            }
            for each in value.changes
        ],
        "compared_with": address_of(value.before) if value.before else None,
        "replaces": value.replaces.version if value.replaces else None,
    }


@operation("GET", "/agreements/<code>/usage", scope="statements:read", tag="Usage", answer="UsageOverview")
def get_usage(caller: Caller, code: str) -> Json:
    """Read what is loaded and released.

    Of an agreement that the municipality bills for; `is_outdated` where counts were corrected since.
    """
    known = own_code(caller, code)
    found = usage.list_usage(connection(), known)
    return {
        "agreement": known,
        "loads": [
            {
                "provider": each.provider,
                "period": address_of(each.period),
                "version": each.version,
                "loaded_on": each.loaded_on.isoformat(),
                "loaded_by": each.loaded_by,
                "lines": each.lines,
            }
            for each in found.loads
        ],
        "releases": [
            {
                "period": address_of(each.period),
                "edition": each.edition,
                "released_on": each.released_on.isoformat(),
                "released_by": each.released_by,
                "is_outdated": each.number in found.outdated,
            }
            for each in found.releases
        ],
    }


@operation(
    "POST",
    "/agreements/<code>/usage/<period>",
    scope="usage:load",
    tag="Usage",
    answer="UsageLoad",
    query=(PROVIDER, PREVIEW),
    conflicts=True,
    files=USAGE_FILES,
)
def load_usage(caller: Caller, code: str, period: str) -> Made:
    """Keep a provider's counts of a period.

    Rows are counted and forgotten; a file with what looks like a person's number is refused. A second file of a
    period corrects the first. With `preview` nothing is kept and `problems` tells the rows that are not understood.
    """
    known, wanted = own_code(caller, code), _period(period)
    agreed = usage_providers(known)
    target = Target(known, _provider(agreed), wanted)
    admitted = _admitted()
    if is_preview():
        preview = usage.preview_usage(connection(), target, admitted)
        return Made({"preview": True, **said_preview(preview), "version": None, "is_new": False})
    done = usage.load_usage(connection(), target, admitted, occasion())
    return Made({"preview": False, **said_preview(done.preview), "version": done.load.version, "is_new": done.is_new})


def usage_providers(code: str) -> tuple[str, ...]:
    """Who counts in an agreement."""
    return agreements.get(connection(), code).providers


@operation(
    "POST",
    "/agreements/<code>/usage-columns",
    scope="usage:load",
    tag="Usage",
    answer="UsageColumns",
    query=(PROVIDER, PREVIEW),
    conflicts=True,
    files=USAGE_FILES,
)
def keep_columns(caller: Caller, code: str) -> Made:
    """Keep how a provider's columns are read, as the headings of a file of its speak for."""
    known = own_code(caller, code)
    provider = _provider(usage_providers(known))
    admitted = _admitted()
    mapping, _headings = usage.suggest_mapping(connection(), known, provider, admitted)
    version = None if is_preview() else usage.keep_mapping(connection(), known, provider, mapping, occasion())
    return Made(said_columns(mapping, version))


def said_columns(value: ColumnMapping, version: int | None) -> Json:
    """How a provider's columns are read."""
    return {"shape": value.shape.value, "columns": dict(value.columns), "version": version}


@operation(
    "POST",
    "/statements/<code>/<period>/release",
    scope="statements:release",
    tag="Usage",
    answer="StatementRelease",
    body="Nothing",
    conflicts=True,
)
def release_statement(caller: Caller, code: str, period: str) -> Made:
    """Publish a period's statements, if nothing hidden can be worked out (409); the same edition once.

    It searches before it answers, which takes seconds for an agreement of all municipalities.
    """
    known, wanted = own_code(caller, code), _period(period)
    sent()
    found, is_new = usage.release_usage(connection(), known, wanted, occasion())
    release = found.release
    return Made(
        {
            "agreement": known,
            "period": address_of(wanted),
            "edition": release.edition,
            "released_on": release.released_on.isoformat(),
            "is_new": is_new,
            "figures": len(release.figures),
            "hidden": sum(figure.hidden for figure in release.figures.values()),
        },
        f"{PREFIX}/statements/{known}/{address_of(wanted)}",
    )
