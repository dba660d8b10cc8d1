"""The steps of one notebook: how they stand, what they left, and why."""
