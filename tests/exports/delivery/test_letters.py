"""Reminder letters are in the outbox with the transaction that writes them, and leave by a channel of their own."""

from __future__ import annotations

from datetime import date
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from lxml import etree

from billing.payment import reminder_run
from billing.payment.reminder_rules import ReminderLetter
from exports.delivery.facts import ChannelKind, DeliveryTopic
from exports.delivery.rules import ChannelNotUsable
from exports.reminder.write import write_letters
from foundation.audit import Occasion
from tests.billing.runs.conftest import ODENSE
from tests.exports.delivery.conftest import DAY, JANUARY, AccessPoint, MailServer, Post

ON_SQLITE = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
LATE = date(2009, 2, 20)
# All but Odense, which owes itself nothing, owe January; letters are numbered from 1 by municipality.
KEYS = [f"reminder/461/{number}" for number in range(1, 9)]


@pytest.fixture
def owed(post: Post) -> Post:
    """January is issued and nobody has paid; letters go out after ten days."""
    post.life.issue(JANUARY, DAY)
    post.does(reminder_run.set_reminders, ODENSE, (10,))
    return post


def written(post: Post) -> tuple[ReminderLetter, ...]:
    with post.database.transaction() as connection:
        return reminder_run.send_reminders(connection, ODENSE, Occasion(LATE, "Anne", post.instant))


def test_a_letter_reaches_the_folder_as_it_was_written(owed: Post, tmp_path: Path) -> None:
    letters_folder, beside = tmp_path / "breve", tmp_path / "skrevet"
    letters_folder.mkdir()
    owed.channel(ChannelKind.FOLDER, {"path": str(letters_folder)}, DeliveryTopic.LETTERS)
    letters = written(owed)
    assert [each.key for each in owed.list()] == []
    assert owed.delivers() == {"handed_over": 8}
    assert [each.key for each in owed.list()] == KEYS
    assert {path.name for path in letters_folder.iterdir()} == {key.replace("/", "-") + ".pdf" for key in KEYS}
    files = write_letters(letters, beside)
    for letter, file in zip(letters, files, strict=True):
        assert (letters_folder / f"reminder-461-{letter.number}.pdf").read_bytes() == file.read_bytes()
    # Nobody is written to twice, and the documents' channel is another one.
    assert written(owed) == ()
    assert owed.delivers() == {}
    owed.life.holds()


@ON_SQLITE
def test_what_was_rolled_back_is_not_in_the_outbox(owed: Post, tmp_path: Path) -> None:
    owed.channel(ChannelKind.FOLDER, {"path": str(tmp_path)}, DeliveryTopic.LETTERS)

    def fails() -> None:
        with owed.database.transaction() as connection:
            assert reminder_run.send_reminders(connection, ODENSE, Occasion(LATE, "Anne", owed.instant))
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert owed.delivers() == {}
    assert owed.life.says("SELECT COUNT(*) FROM outbox_entry") == [(0,)]
    assert len(written(owed)) == 8
    assert owed.delivers() == {"handed_over": 8}


@ON_SQLITE
def test_letters_leave_by_no_other_channel(owed: Post, access_point: AccessPoint, tmp_path: Path) -> None:
    """An access point that takes e-invoices and a mailbox that takes the clock's messages get no letters."""
    owed.channel(ChannelKind.HTTP, {"url": access_point.url})
    owed.channel(ChannelKind.FOLDER, {"path": str(tmp_path)}, DeliveryTopic.MAIL)
    assert len(written(owed)) == 8
    assert owed.delivers() == {}
    assert access_point.got == []
    assert owed.life.says("SELECT COUNT(*) FROM outbox_entry WHERE topic = 'reminder.written'") == [(8,)]


@ON_SQLITE
def test_letters_by_mail_and_by_http(owed: Post, mail_server: MailServer, access_point: AccessPoint) -> None:
    settings = {"host": "127.0.0.1", "port": str(mail_server.port), "starttls": "off", "sender": "a@odense.test"}
    with pytest.raises(ChannelNotUsable, match="breve"):
        owed.channel(ChannelKind.SMTP, settings, DeliveryTopic.LETTERS)
    owed.channel(ChannelKind.SMTP, settings | {"recipient": "post@gateway.test"}, DeliveryTopic.LETTERS)
    owed.channel(ChannelKind.HTTP, {"url": access_point.url}, DeliveryTopic.LETTERS)
    owed.channel(ChannelKind.HTTP, {"url": access_point.url})
    assert len(written(owed)) == 8
    assert owed.delivers() == {"handed_over": 16}
    mail = message_from_bytes(mail_server.got[0][1], policy=policy.default)
    assert mail["Subject"] == "Påmindelse om betaling til Assens Kommune fra Odense Kommune"
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "2009-02-20 Påmindelse Assens nr 1.pdf"
    assert attached.get_content().startswith(b"%PDF-")
    assert sorted(access_point.keys()) == KEYS
    assert {headers["Content-Type"] for _, headers, _ in access_point.got} == {"application/pdf"}
    # A document leaves as ever.
    credit = owed.life.credit("F2008-0001", date(2009, 2, 21))
    assert owed.delivers() == {"handed_over": 1}
    assert etree.fromstring(access_point.got[-1][2]).findtext("{*}ID") == credit.number
