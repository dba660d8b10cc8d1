"""The command ``durable-nb``."""

from durable_nb.cli.app import main

__all__ = ["main"]
