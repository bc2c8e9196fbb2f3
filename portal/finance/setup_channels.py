"""How an issuer's documents, letters and messages leave: seen by all, switched and addressed by an officer.

A channel is made by whoever runs the service, by command: its folder, host, address and secrets are the machine's, and
a page that could name them would be a way into it. What does not touch the machine is changed here.
"""

from __future__ import annotations

from flask import render_template, request
from werkzeug.wrappers import Response as WebResponse

from exports.delivery import run as deliveries
from exports.delivery.facts import Channel, ChannelKind, DeliveryTopic
from foundation.errors import N_, NotFound
from portal.access.scope import Deed, issued_document
from portal.finance import pages
from portal.finance.asked import one_of, text_of
from portal.language import _
from portal.pages import connection, occasion, person, seen, who_may
from portal.parts import choices

# What an officer decides; everything else is the machine's.
OFFICERS: dict[ChannelKind, tuple[str, ...]] = {
    ChannelKind.FOLDER: ("files",),
    ChannelKind.SMTP: ("recipient", "sender", "link", "files"),
    ChannelKind.HTTP: (),
}
# A form that is empty takes a setting away, and what is left is still looked through.


class ChannelUnknown(NotFound):
    """The issuer has no such channel; one is made by command."""

    danish = N_("Der er ingen kanal af den slags. Den, der driver tjenesten, opretter kanaler.")


def topic_words() -> dict[str, str]:
    """What a channel takes."""
    return {
        DeliveryTopic.DOCUMENTS: _("bilag"),
        DeliveryTopic.LETTERS: _("breve"),
        DeliveryTopic.MAIL: _("beskeder"),
    }


def kind_words() -> dict[str, str]:
    """How it leaves."""
    return {ChannelKind.FOLDER: _("mappe"), ChannelKind.SMTP: _("mail"), ChannelKind.HTTP: _("adgangspunkt (HTTP)")}


def setting_words() -> dict[str, tuple[str, str]]:
    """What an officer's settings are called, and a hint."""
    return {
        "recipient": (_("Modtager"), _("Én mailadresse; bilag og breve sendes til den")),
        "sender": (_("Afsender"), _("Mailadressen, der står som afsender")),
        "link": (_("Adresse i beskeden"), _("Hvor modtageren kan læse mere")),
        "files": (_("Filer"), ""),
    }


def file_words() -> dict[str, str]:
    """Which files of a document are sent."""
    return {"xml": _("e-faktura (XML)"), "pdf": _("PDF"), "xml,pdf": _("begge")}


@pages.get("/opsaetning/forsendelse", endpoint="setup_channels")
@who_may(Deed.READ)
def setup_channels_page(place: str) -> str:
    """The issuer's channels."""
    words = setting_words()
    return render_template(
        "finance/setup/channels.html",
        channels=[
            (
                channel,
                [
                    (
                        name,
                        *words[name],
                        channel.settings.get(name, ""),
                        choices(list(file_words().items()), channel.settings.get(name, "xml"))
                        if name == "files"
                        else None,
                    )
                    for name in OFFICERS[channel.kind]
                ],
            )
            for channel in deliveries.channels(connection(), place)
        ],
        topics=topic_words(),
        kinds=kind_words(),
        switch={"on": _("åben"), "off": _("lukket")},
        may_set=person().may(Deed.PREPARE, place),
    )


@pages.post("/opsaetning/forsendelse")
@who_may(Deed.PREPARE)
def setup_channels_keep(place: str) -> WebResponse:
    """Switch a channel that there is, and address it."""
    channel = _channel(place)
    wanted = one_of("switch", _("Kanalen er"), {"on": _("åben"), "off": _("lukket")})
    changed = {name: text_of(name) for name in OFFICERS[channel.kind] if name in request.form}
    if "files" in changed:
        changed["files"] = one_of("files", _("Filer"), file_words())
    deliveries.set_channel(connection(), place, channel.topic, channel.kind, changed, occasion(), active=wanted == "on")
    return seen("finance.setup_channels", place=place)


def _channel(place: str) -> Channel:
    topic, kind = text_of("topic", 20), text_of("kind", 20)
    for each in deliveries.channels(connection(), place):
        if (each.topic.value, each.kind.value) == (topic, kind):
            return each
    raise ChannelUnknown


@pages.post("/bilag/<number>/send-igen")
@who_may(Deed.PREPARE)
def delivery_again(place: str, number: str) -> WebResponse:
    """Put a document of the issuer's out once more, by the channels that it has."""
    document = issued_document(connection(), place, number)
    deliveries.put_again(connection(), [document], occasion())
    return seen("finance.deliveries", place=place)
