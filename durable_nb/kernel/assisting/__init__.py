"""Help while a marker is typed: what may stand there, and what an option is for."""
