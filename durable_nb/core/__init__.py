"""The pure part: no disk, clock, network or IPython."""
