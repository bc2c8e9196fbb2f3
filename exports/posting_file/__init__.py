"""Posting files: what an issuer's ERP books, by kontostreng, balanced."""
