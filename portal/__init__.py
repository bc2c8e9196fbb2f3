"""Every door in: the command line, the web pages, the clock. Holds no rules of billing."""
