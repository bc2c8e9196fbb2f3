"""The StatBank client against a server on this machine that answers as in the recorded exchanges, and badly."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agreements.age_band import AgeBand, AgesMissing
from agreements.municipality import MUNICIPALITIES
from agreements.population import LeftOut, PopulationFileNotUnderstood
from agreements.population_file import NOT_A_MUNICIPALITY
from agreements.statbank import (
    NOT_ANSWERED,
    NOT_ASKED_FOR,
    NotCountedThen,
    NothingAskedFor,
    StatBankClient,
    StatBankRefused,
    StatBankUnavailable,
    TableUnknown,
)

FILES = Path(__file__).parent / "statbank_files"
TODAY = date(2026, 11, 22)
NEW_YEAR_2008 = date(2008, 1, 1)
NEW_YEAR_2009 = date(2009, 1, 1)

# The headers of the recorded answers, less those of their day.
RECORDED_HEADERS = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Content-Type": "text/csv; charset=utf-8",
    "Expires": "-1",
    "Server": "Microsoft-IIS/10.0",
    "Statbankapi-Request-Id": "8216e6ab-04cb-4076-8d4d-d59288bcc412",
    "Access-Control-Expose-Headers": "StatbankAPI-Request-Id",
    "Content-Disposition": "attachment; filename=FOLK1A.csv",
    "X-Powered-By": "ASP.NET",
}


@dataclass(frozen=True)
class Answer:
    """What the server says once."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: RECORDED_HEADERS)
    cut_off: bool = False
    silent: bool = False


@dataclass
class Server:
    """Gives its answers in turn, the last one for ever, and remembers what it was asked."""

    address: str
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def asked_for(self, code: str) -> Sequence[str]:
        variables = self.asked[-1][2]["variables"]
        assert isinstance(variables, list)
        return next(list(variable["values"]) for variable in variables if variable["code"] == code)


def handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            with contextlib.suppress(ConnectionError):  # the client may have gone
                self.answer()

        def answer(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.asked.append((self.path, self.headers["Content-Type"], question))
            answer = server.next()
            if answer.silent:
                server.released.wait(10)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(answer.body), 100):
                chunk = answer.body[at : at + 100]
                self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            if answer.cut_off:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            """Say nothing on the terminal."""

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    it = Server(f"http://127.0.0.1:{listening.server_address[1]}/v1")
    listening.RequestHandlerClass = handler_of(it)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    yield it
    it.released.set()
    listening.shutdown()
    listening.server_close()
    thread.join()


def client(server: Server, retries: int = 2) -> StatBankClient:
    return StatBankClient(server.address, connect_timeout=2, read_timeout=0.3, retries=retries, backoff=0.01)


def table(*rows: str) -> bytes:
    """An answer as the API writes it: a byte order mark, CRLF, codes."""
    return "".join(f"{row}\r\n" for row in ("OMRÅDE;KØN;ALDER;CIVILSTAND;TID;INDHOLD", *rows)).encode("utf-8-sig")


ODENSE = table("461;TOT;IALT;TOT;2008K1;186932")


def test_the_question_is_that_of_the_recorded_exchanges(server: Server) -> None:
    server.answers = [Answer(ODENSE)]
    reading = client(server).population([NEW_YEAR_2008], ["461"], fetched_on=TODAY)
    assert [(figure.key, figure.inhabitants) for figure in reading.figures] == [(("461", NEW_YEAR_2008), 186_932)]
    assert reading.figures[0].source == "Danmarks Statistik, FOLK1A (CC BY 4.0), hentet 22.11.2026"
    assert reading.figures[0].fetched_on == TODAY
    assert (reading.left_out, reading.encoding) == ((), "utf-8-sig")
    assert server.asked == [
        (
            "/v1/data",
            "application/json; charset=utf-8",
            {
                "table": "FOLK1A",
                "lang": "da",
                "format": "CSV",
                "valuePresentation": "Code",
                "variables": [
                    {"code": "OMRÅDE", "values": ["461"]},
                    {"code": "KØN", "values": ["TOT"]},
                    {"code": "ALDER", "values": ["IALT"]},
                    {"code": "CIVILSTAND", "values": ["TOT"]},
                    {"code": "Tid", "values": ["2008K1"]},
                ],
            },
        )
    ]


def test_funen_at_two_new_years(server: Server) -> None:
    server.answers = [Answer((FILES / "made_api_folk1a_codes_fyn.csv").read_bytes())]
    funen = ["420", "430", "440", "450", "461", "479", "480", "482", "492"]
    reading = client(server).population([NEW_YEAR_2008, NEW_YEAR_2009, NEW_YEAR_2008], funen, fetched_on=TODAY)
    assert sum(figure.inhabitants for figure in reading.figures if figure.on == NEW_YEAR_2008) == 445_136
    assert len(reading.figures) == 18
    assert server.asked_for("Tid") == ["2008K1", "2009K1"]
    assert reading.left_out == (LeftOut("000", NOT_A_MUNICIPALITY, 2),)


def test_the_four_quarters(server: Server) -> None:
    server.answers = [Answer(ODENSE)]
    client(server).population([date(2008, month, 1) for month in (1, 4, 7, 10)], ["461"], fetched_on=TODAY)
    assert server.asked_for("Tid") == ["2008K1", "2008K2", "2008K3", "2008K4"]


def test_all_municipalities_are_asked_for_by_code(server: Server) -> None:
    server.answers = [Answer(ODENSE)]
    reading = client(server).population([NEW_YEAR_2008], fetched_on=TODAY)
    assert server.asked_for("OMRÅDE") == sorted(MUNICIPALITIES)
    assert sum(left.why == NOT_ANSWERED for left in reading.left_out) == 97


def test_codes_that_are_no_municipality_are_dropped_and_named(server: Server) -> None:
    server.answers = [Answer(ODENSE)]
    reading = client(server).population([NEW_YEAR_2008], ["0461", "000", "411", "461", "x"], fetched_on=TODAY)
    assert server.asked_for("OMRÅDE") == ["461"]
    assert reading.left_out == tuple(LeftOut(code, NOT_A_MUNICIPALITY, 0) for code in ("000", "411", "x"))


def test_a_partial_answer_is_named(server: Server) -> None:
    server.answers = [Answer(ODENSE)]
    reading = client(server).population([NEW_YEAR_2008, NEW_YEAR_2009], ["461", "492"], fetched_on=TODAY)
    assert len(reading.figures) == 1
    assert reading.left_out == (
        LeftOut("Ærø (492) pr. 01.01.2008", NOT_ANSWERED, 0),
        LeftOut("Odense (461) pr. 01.01.2009", NOT_ANSWERED, 0),
        LeftOut("Ærø (492) pr. 01.01.2009", NOT_ANSWERED, 0),
    )


def test_an_answer_of_another_period_is_not_taken_for_the_one_asked_for(server: Server) -> None:
    server.answers = [Answer(table("461;TOT;IALT;TOT;2026K4;210000", "479;TOT;IALT;TOT;2008K1;59040"))]
    reading = client(server).population([NEW_YEAR_2008], ["461"], fetched_on=TODAY)
    assert reading.figures == ()
    assert reading.left_out == (
        LeftOut("Svendborg (479) pr. 01.01.2008", NOT_ASKED_FOR, 1),
        LeftOut("Odense (461) pr. 01.10.2026", NOT_ASKED_FOR, 1),
        LeftOut("Odense (461) pr. 01.01.2008", NOT_ANSWERED, 0),
    )


# --- what is refused before anything is asked


def test_nothing_is_asked_without_a_day_or_a_municipality(server: Server) -> None:
    with pytest.raises(NothingAskedFor, match="nogen dato"):
        client(server).population([], ["461"], fetched_on=TODAY)
    for areas in ([], ["000", "084"]):
        with pytest.raises(NothingAskedFor, match="nogen kommune"):
            client(server).population([NEW_YEAR_2008], areas, fetched_on=TODAY)
    assert server.asked == []


@pytest.mark.parametrize("on", [date(2008, 1, 2), date(2008, 2, 1), date(2007, 1, 1), date(2007, 10, 1)])
def test_days_on_which_the_table_does_not_count(server: Server, on: date) -> None:
    with pytest.raises(NotCountedThen, match=f"{on:%d.%m.%Y}"):
        client(server).population([NEW_YEAR_2008, on], ["461"], fetched_on=TODAY)
    assert server.asked == []


def test_another_table_is_refused(server: Server) -> None:
    with pytest.raises(TableUnknown, match="BEF1A07"):
        client(server).population([NEW_YEAR_2008], ["461"], fetched_on=TODAY, table="BEF1A07")


# --- a server in trouble

BUSY = Answer(b"<html>Service Unavailable</html>", 503, {"Content-Type": "text/html"})
CUT_OFF = Answer(ODENSE[:90], cut_off=True)
SILENT = Answer(b"", silent=True)


@pytest.mark.parametrize(
    "trouble",
    [
        [Answer(b"fejl", 500), Answer(b"", 500)],
        [BUSY, Answer(b"", 504)],
        [CUT_OFF, CUT_OFF],
        [SILENT, CUT_OFF],
        [Answer(b"", 429, {"Retry-After": "0"}), BUSY],
    ],
)
def test_trouble_that_passes_is_waited_out(server: Server, trouble: list[Answer]) -> None:
    server.answers = [*trouble, Answer(ODENSE)]
    reading = client(server).population([NEW_YEAR_2008], ["461"], fetched_on=TODAY)
    assert [figure.inhabitants for figure in reading.figures] == [186_932]
    assert len(server.asked) == 3


def test_the_server_s_own_pause_is_kept(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    server.answers = [Answer(b"", 429, {"Retry-After": "7"}), Answer(ODENSE)]
    assert client(server).population([NEW_YEAR_2008], ["461"], fetched_on=TODAY).figures
    assert pauses == [7]


def test_a_pause_longer_than_a_person_waits_is_told(server: Server) -> None:
    server.answers = [Answer(b"", 429, {"Retry-After": "3600"}), Answer(ODENSE)]
    with pytest.raises(StatBankUnavailable, match="vente 3600 sekunder"):
        client(server).population([NEW_YEAR_2008], ["461"], fetched_on=TODAY)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (BUSY, "status 503, også efter flere forsøg"),
        (CUT_OFF, "forbindelsen blev afbrudt, eller svaret blev skåret af"),
        (SILENT, "den har været tavs for længe"),
    ],
)
def test_trouble_that_stays_is_told(server: Server, trouble: Answer, why: str) -> None:
    server.answers = [trouble]
    with pytest.raises(StatBankUnavailable) as told:
        client(server, retries=1).population([NEW_YEAR_2008], ["461"], fetched_on=TODAY)
    assert told.value.facts["why"] == why
    assert len(server.asked) == 2
    assert "Intet er ændret. Prøv igen senere, eller hent en fil" in str(told.value)


def test_a_server_that_is_not_there() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        nobody = StatBankClient(f"http://127.0.0.1:{held.getsockname()[1]}/v1", retries=1, backoff=0.01)
        with pytest.raises(StatBankUnavailable, match="kan ikke oprettes forbindelse"):
            nobody.population([NEW_YEAR_2008], ["461"], fetched_on=TODAY)


# --- answers that are none

REFUSAL = b'{"errorTypeCode":"EXTRACT-NOTFOUND","message":"Can\'t find value: 2030K1 (Tid)"}'


@pytest.mark.parametrize("status", [400, 404, 200])
def test_the_api_s_own_error_is_told(server: Server, status: int) -> None:
    server.answers = [Answer(REFUSAL, status, {"Content-Type": "text/json; charset=utf-8"})]
    with pytest.raises(StatBankRefused) as told:
        client(server).population([NEW_YEAR_2008], ["461"], fetched_on=TODAY)
    assert told.value.facts["message"] == "Can't find value: 2030K1 (Tid)"
    assert told.value.facts["code"] == "EXTRACT-NOTFOUND"
    assert len(server.asked) == 1


@pytest.mark.parametrize("answer", [Answer(b"<html>404</html>", 404), Answer(b"", 302, {"Location": "/login"})])
def test_another_status_is_told(server: Server, answer: Answer) -> None:
    server.answers = [answer]
    with pytest.raises(StatBankRefused, match=f"status {answer.status}"):
        client(server).population([NEW_YEAR_2008], ["461"], fetched_on=TODAY)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"<!DOCTYPE html><html>Log ind</html>", "en HTML-side"),
        (b"", "en tom fil"),
        (b"%PDF-1.4", "en PDF"),
        (table(), "en overskrift uden tal under"),
        ((FILES / "api_raw_bytes.csv").read_bytes(), "uden kommuner"),
        (b'{"whatever": 1}', "JSON, der ikke er JSON-stat"),
    ],
)
def test_an_answer_that_is_no_table(server: Server, body: bytes, found: str) -> None:
    server.answers = [Answer(body)]
    with pytest.raises(PopulationFileNotUnderstood, match=f"^Svaret fra Statistikbanken .*{found}"):
        client(server).population([NEW_YEAR_2008], ["461"], fetched_on=TODAY)


def test_an_answer_without_end_is_cut(server: Server) -> None:
    server.answers = [Answer(ODENSE * 100)]
    bounded = StatBankClient(server.address, largest_answer=1000)
    with pytest.raises(PopulationFileNotUnderstood, match="mere end 1000 bytes"):
        bounded.population([NEW_YEAR_2008], ["461"], fetched_on=TODAY)


def test_the_default_is_the_real_api_over_tls() -> None:
    assert StatBankClient().base_url == "https://api.statbank.dk/v1"


def test_an_age_band_is_asked_for_age_by_age_and_summed(server: Server) -> None:
    # Made up: 7 people of each age in Odense, 3 in Svendborg.
    rows = [f"{code};TOT;{age};TOT;2008K1;{count}" for code, count in (("461", 7), ("479", 3)) for age in range(18)]
    body = "OMRÅDE;KØN;ALDER;CIVILSTAND;TID;INDHOLD\r\n" + "\r\n".join(rows)
    server.answers = [Answer(body.encode())]
    client = StatBankClient(server.address)
    reading = client.population([NEW_YEAR_2008], ["461", "479"], fetched_on=TODAY, ages=AgeBand(0, 17))
    assert server.asked_for("ALDER") == [str(age) for age in range(18)]
    assert {figure.municipality: figure.inhabitants for figure in reading.figures} == {"461": 126, "479": 54}
    assert "0-17 år" in reading.figures[0].source
    with pytest.raises(AgesMissing, match="18 år"):
        client.population([NEW_YEAR_2008], ["461", "479"], fetched_on=TODAY, ages=AgeBand(0, 18))
