"""The ground: money, periods, errors, the clock, the database, the audit trail. Imports none of ours."""
