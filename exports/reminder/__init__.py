"""Reminder letters as PDF."""
