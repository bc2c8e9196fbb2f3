"""Rows of usage: how a provider's columns are read, what was counted, what was published. All are only ever added to.

No row is about a course or a person: the least is a count of a service, a municipality and a period.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from agreements.tables import AGREEMENT_CODE, CODE, ROW_ID, agreement
from foundation.database import metadata

SERVICE = String(60)
RESIDENCE = String(10)
MEASURE = String(20)

# How the columns of a provider's own files are read; the newest version applies.
usage_mapping = Table(
    "usage_mapping",
    metadata,
    Column("agreement", AGREEMENT_CODE, ForeignKey(agreement.c.code), primary_key=True),
    Column("provider", CODE, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kept_on", Date, nullable=False),
    Column("kept_by", String(200), nullable=False),
    Column("content", Text, nullable=False),  # canonical JSON
)

# One file, counted. Neither its name nor anything else of it is kept.
usage_load = Table(
    "usage_load",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, ForeignKey(agreement.c.code), nullable=False),
    Column("provider", CODE, nullable=False),
    Column("first_month", Date, nullable=False),
    Column("last_month", Date, nullable=False),
    Column("version", Integer, nullable=False),
    Column("loaded_on", Date, nullable=False),
    Column("loaded_by", String(200), nullable=False),
    Column("shape", String(10), nullable=False),
    Column("lines", Integer, nullable=False),
    CheckConstraint("shape IN ('counts', 'courses')", name="shape"),
    CheckConstraint("first_month <= last_month", name="months_in_order"),
    UniqueConstraint("agreement", "provider", "first_month", "last_month", "version", name="uq_usage_load_version"),
)

# What is not there is zero.
usage_count = Table(
    "usage_count",
    metadata,
    Column("load_id", ROW_ID, ForeignKey(usage_load.c.id), primary_key=True),
    Column("measure", MEASURE, primary_key=True),
    Column("service", SERVICE, primary_key=True),
    Column("residence", RESIDENCE, primary_key=True),
    Column("counted", Integer, nullable=False),
    CheckConstraint("counted > 0", name="positive"),
)

usage_release = Table(
    "usage_release",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("agreement", AGREEMENT_CODE, ForeignKey(agreement.c.code), nullable=False),
    Column("first_month", Date, nullable=False),
    Column("last_month", Date, nullable=False),
    Column("edition", Integer, nullable=False),
    Column("released_on", Date, nullable=False),
    Column("released_by", String(200), nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("optimal", Boolean, nullable=False),
    CheckConstraint("first_month <= last_month", name="months_in_order"),
    UniqueConstraint("agreement", "first_month", "last_month", "edition", name="uq_usage_release_edition"),
)

# What a release rests on: loads, or for a longer period the releases that it sums.
usage_release_part = Table(
    "usage_release_part",
    metadata,
    Column("release_id", ROW_ID, ForeignKey(usage_release.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("load_id", ROW_ID, ForeignKey(usage_load.c.id)),
    Column("part_id", ROW_ID, ForeignKey(usage_release.c.id)),
    CheckConstraint("(load_id IS NULL) <> (part_id IS NULL)", name="one_of_two"),
)

# What was published and what was hidden, figure by figure: a later release must never give away what this one hid.
usage_figure = Table(
    "usage_figure",
    metadata,
    Column("release_id", ROW_ID, ForeignKey(usage_release.c.id), primary_key=True),
    Column("measure", MEASURE, primary_key=True),
    Column("service", SERVICE, primary_key=True),
    Column("residence", RESIDENCE, primary_key=True),
    Column("counted", Integer, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("small", Boolean, nullable=False),
    CheckConstraint("counted >= 0", name="not_negative"),
    CheckConstraint("hidden OR NOT small", name="small_is_hidden"),
)
