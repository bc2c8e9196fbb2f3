"""Figures straight from the API of Statistics Denmark's StatBank (api.statbank.dk).

The request is the one of the recorded exchanges: a POST of JSON to ``/data``. Variable codes of FOLK1A: OMRÅDE, KØN
(total TOT), ALDER (total IALT), CIVILSTAND (total TOT), Tid. The time is always named: left out, the API would answer
the newest period without a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import TracebackType
from typing import Self

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry, Timeout

from agreements.age_band import AgeBand
from agreements.agreement import MunicipalityCode
from agreements.municipality import MUNICIPALITIES
from agreements.population import LeftOut, PopulationFileNotUnderstood, PopulationReading
from agreements.population_file import NOT_A_MUNICIPALITY, quoted, read_population
from foundation.errors import BadInput, MellemregningError, N_

BASE_URL = "https://api.statbank.dk/v1"
ANSWER = "Svaret fra Statistikbanken"
NOT_ASKED_FOR = "er der ikke spurgt om"
NOT_ANSWERED = "mangler i svaret fra Statistikbanken"

_LARGEST_ANSWER = 50 * 1024 * 1024
_CHUNK = 64 * 1024
_OK = 200
_BUSY = frozenset({429, 500, 502, 503, 504})
_FOLK1A = "FOLK1A"
_FOLK1A_SINCE = date(2008, 1, 1)
_QUARTER_MONTHS = (1, 4, 7, 10)


class StatBankUnavailable(MellemregningError):
    """No usable answer came, also after trying again; nothing was changed.

    Facts: address, why (in Danish).
    """

    danish = N_(
        "Statistikbanken ({address}) svarer ikke: {why}. Intet er ændret. "
        "Prøv igen senere, eller hent en fil i en browser og indlæs den (mellemregning population load FIL)."
    )


class StatBankRefused(BadInput):
    """The API understood that it was asked and said no, in its own words.

    Facts: address, status, code (the API's errorTypeCode), message.
    """

    danish = N_(
        "Statistikbanken ({address}) afviser forespørgslen (status {status}, {code}): »{message}«. Intet er ændret. "
        "Kontrollér tabel, datoer og kommuner, og prøv igen."
    )


class NothingAskedFor(BadInput):
    """No date, or no municipality: the API would answer something else than what was meant.

    Facts: lacks (in Danish).
    """

    danish = N_("Der er ikke angivet nogen {lacks}, så Statistikbanken er ikke spurgt. Angiv mindst én, og prøv igen.")


class TableUnknown(BadInput):
    """A table whose variables and totals we do not know.

    Facts: table.
    """

    danish = N_(
        "Tabel {table} kan ikke hentes automatisk; kun FOLK1A kan. "
        "Hent tabellen som fil i Statistikbanken, og indlæs den (mellemregning population load FIL)."
    )


class NotCountedThen(BadInput):
    """A day on which the table has no figure.

    Facts: table, on.
    """

    danish = N_(
        "Tabel {table} har ikke folketal for {on}: den tæller 1. januar, 1. april, 1. juli og 1. oktober fra 2008. "
        "Angiv en af de dage; tal fra før 2008 indlæses fra en fil (tabel BEF1A07)."
    )


class _Patience(Retry):
    """Retry that waits as long as the server asks, but gives up rather than wait longer than ``LONGEST_WAIT``."""

    LONGEST_WAIT = 60

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: urllib3.connectionpool.ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        if response is not None and (self.get_retry_after(response) or 0) > self.LONGEST_WAIT:
            response.close()
            raise _AskedToWait(response.headers.get("Retry-After", ""))
        return super().increment(method, url, response, error, _pool, _stacktrace)


class _AskedToWait(HTTPError):
    """The server wants a longer pause than a person at a terminal has."""


@dataclass(frozen=True, slots=True)
class StatBankClient:
    """Asks the StatBank, patiently and within bounds.

    Attributes:
        connect_timeout: Seconds until a connection must stand.
        read_timeout: Seconds of silence after which an answer is given up.
        retries: How often a busy server, a broken connection or a cut answer is tried again.
        backoff: Seconds before the second retry; doubled each time. A Retry-After of the server goes before it.
        largest_answer: Bytes; a longer answer is no table of municipalities.
    """

    base_url: str = BASE_URL
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    retries: int = 4
    backoff: float = 0.5
    largest_answer: int = _LARGEST_ANSWER

    def population(
        self,
        on: Sequence[date],
        areas: Iterable[MunicipalityCode] | None = None,
        *,
        fetched_on: date,
        table: str = _FOLK1A,
        ages: AgeBand | None = None,
    ) -> PopulationReading:
        """Fetch the inhabitants of municipalities on some days.

        Args:
            on: The days, each the first of a quarter since 2008; at least one, for the API answers the newest if none
                is named.
            areas: Municipality codes, "461" or "0461"; None for all 98. Codes that are no municipality are left out
                and named.
            fetched_on: Today.
            table: FOLK1A; others are refused, since nobody has seen which codes their totals have.
            ages: Only the inhabitants of these ages, asked for age by age and summed.

        Returns:
            The figures that were asked for. What the answer lacks or has beside is named among what was left out.

        Raises:
            NothingAskedFor: no day, or no municipality.
            NotCountedThen: a day on which the table does not count.
            TableUnknown: another table.
            StatBankUnavailable: no answer, also after retries.
            StatBankRefused: the API's own error.
            PopulationFileNotUnderstood: an answer that is no table of figures, for instance a proxy's page.

        Source: agreement § 6 stk. 2; domain rule 2.
        """
        if table.upper() != _FOLK1A:
            raise TableUnknown(table=quoted(table))
        days = tuple(dict.fromkeys(on))
        if not days:
            raise NothingAskedFor(lacks="dato")
        wanted, dropped = _municipalities(MUNICIPALITIES if areas is None else areas)
        if not wanted:
            raise NothingAskedFor(lacks="kommune")
        body = self._post("/data", _question(wanted, [_quarter(day) for day in days], ages))
        band = f", {ages} år" if ages else ""
        source = f"Danmarks Statistik, {_FOLK1A}{band} (CC BY 4.0), hentet {fetched_on:%d.%m.%Y}"
        reading = read_population(ANSWER, body, fetched_on=fetched_on, source=source, ages=ages)
        return _as_asked(reading, wanted, days, dropped)

    def _post(self, path: str, question: dict[str, object]) -> bytes:
        """One question and its whole answer; an answer that is cut off is asked for again."""
        address = self.base_url.rstrip("/") + path
        patience: Retry = _Patience(
            total=self.retries,
            backoff_factor=self.backoff,
            backoff_max=30,
            status_forcelist=_BUSY,
            allowed_methods={"POST"},  # a question changes nothing at the server
            redirect=False,
            raise_on_status=False,
        )
        timeout = Timeout(connect=self.connect_timeout, read=self.read_timeout)
        with urllib3.PoolManager(timeout=timeout, num_pools=1) as pool:
            while True:
                try:
                    status, body, patience = self._ask_once(pool, address, question, patience)
                except (HTTPError, OSError) as error:
                    raise StatBankUnavailable(address=self.base_url, why=_why(error)) from error
                if body is not None:
                    return self._accepted(status, body)

    def _ask_once(
        self, pool: urllib3.PoolManager, address: str, question: dict[str, object], patience: Retry
    ) -> tuple[int, bytes | None, Retry]:
        """The status and the body; no body if it was cut off and there is patience left for another try."""
        response = pool.request(
            "POST",
            address,
            body=json.dumps(question, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json; charset=utf-8", "Accept-Encoding": "identity"},
            retries=patience,
            preload_content=False,
        )
        try:
            body = b"".join(self._bounded(response))
        except HTTPError as error:
            patience = (response.retries or patience).increment("POST", address, error=error)
            patience.sleep()
            return response.status, None, patience
        finally:
            response.close()
        return response.status, body, patience

    def _bounded(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        length = 0
        for chunk in response.stream(_CHUNK):
            length += len(chunk)
            if length > self.largest_answer:
                raise PopulationFileNotUnderstood(file=ANSWER, found=f"mere end {self.largest_answer} bytes")
            yield chunk

    def _accepted(self, status: int, body: bytes) -> bytes:
        code, message = _told_error(body)
        if message:
            raise StatBankRefused(address=self.base_url, status=status, code=code, message=message)
        if status in _BUSY:
            raise StatBankUnavailable(address=self.base_url, why=f"status {status}, også efter flere forsøg")
        if status != _OK:
            raise StatBankRefused(address=self.base_url, status=status, code="uden kode", message="uden forklaring")
        return body


def _question(
    areas: Iterable[MunicipalityCode], quarters: Iterable[str], ages: AgeBand | None = None
) -> dict[str, object]:
    values: dict[str, list[str]] = {
        "OMRÅDE": list(areas),
        "KØN": ["TOT"],
        "ALDER": [str(age) for age in ages.ages] if ages else ["IALT"],
        "CIVILSTAND": ["TOT"],
        "Tid": list(quarters),
    }
    return {
        "table": _FOLK1A,
        "lang": "da",
        "format": "CSV",
        "valuePresentation": "Code",
        "variables": [{"code": code, "values": chosen} for code, chosen in values.items()],
    }


def _quarter(day: date) -> str:
    if day.day != 1 or day.month not in _QUARTER_MONTHS or day < _FOLK1A_SINCE:
        raise NotCountedThen(table=_FOLK1A, on=day)
    return f"{day.year}K{_QUARTER_MONTHS.index(day.month) + 1}"


def _municipalities(areas: Iterable[str]) -> tuple[tuple[MunicipalityCode, ...], tuple[LeftOut, ...]]:
    """The codes that are municipalities, each once and ascending; and those that are not."""
    wanted: set[MunicipalityCode] = set()
    dropped: dict[str, LeftOut] = {}
    for area in areas:
        code = area.strip()
        code = code[1:] if len(code) == len("0461") and code.startswith("0") else code
        if code in MUNICIPALITIES:
            wanted.add(code)
        else:
            dropped[area] = LeftOut(quoted(area), NOT_A_MUNICIPALITY, 0)
    return tuple(sorted(wanted)), tuple(dropped.values())


def _as_asked(
    reading: PopulationReading,
    wanted: Sequence[MunicipalityCode],
    days: Sequence[date],
    dropped: tuple[LeftOut, ...],
) -> PopulationReading:
    """The figures that were asked for; what is beside them or lacks is named."""
    asked = {(code, day) for day in days for code in wanted}
    beside = [
        LeftOut(_named(figure.municipality, figure.on), NOT_ASKED_FOR, 1)
        for figure in reading.figures
        if figure.key not in asked
    ]
    lacking = asked - {figure.key for figure in reading.figures}
    missing = [
        LeftOut(_named(code, day), NOT_ANSWERED, 0) for code, day in sorted(lacking, key=lambda key: (key[1], key[0]))
    ]
    return replace(
        reading,
        figures=tuple(figure for figure in reading.figures if figure.key in asked),
        left_out=(*dropped, *reading.left_out, *beside, *missing),
    )


def _named(code: MunicipalityCode, day: date) -> str:
    return f"{MUNICIPALITIES[code].name} ({code}) pr. {day:%d.%m.%Y}"


def _told_error(body: bytes) -> tuple[str, str]:
    """The API's own error, ``{"errorTypeCode": ..., "message": ...}``; empty texts if the body is none."""
    try:
        told = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(told, dict) or not told.get("message"):
        return "", ""
    return quoted(str(told.get("errorTypeCode") or "uden kode")), quoted(str(told["message"]), 300)


def _why(error: Exception) -> str:
    """What went wrong on the way, for a person who can do something about the network."""
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
    if isinstance(reason, _AskedToWait):
        return f"den beder om at vente {quoted(str(reason))} sekunder, før der spørges igen"
    kinds = (
        # from the narrow to the wide: in urllib3 a name that cannot be resolved is a new connection that timed out
        (urllib3.exceptions.NameResolutionError, "adressen findes ikke, eller der er ingen forbindelse til nettet"),
        (urllib3.exceptions.NewConnectionError, "der kan ikke oprettes forbindelse"),
        (urllib3.exceptions.ConnectTimeoutError, "forbindelsen kom ikke i stand i tide"),
        (urllib3.exceptions.ReadTimeoutError, "den har været tavs for længe"),
        (urllib3.exceptions.SSLError, "dens certifikat kan ikke godkendes"),
        (urllib3.exceptions.ProtocolError, "forbindelsen blev afbrudt, eller svaret blev skåret af"),
    )
    return next(
        (why for kind, why in kinds if isinstance(reason, kind)), f"fejl i forbindelsen ({type(reason).__name__})"
    )
