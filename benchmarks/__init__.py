"""What is fast, measured against the floor: ``python3 dev.py bench [NAME ...]``."""
