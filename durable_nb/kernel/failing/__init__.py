"""Attempts that may fail: limits of time, retries, and how nothing of a failed one stays."""
