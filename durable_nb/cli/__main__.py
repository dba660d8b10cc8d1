"""``python -m durable_nb.cli``."""

from durable_nb.cli.app import main

main()
