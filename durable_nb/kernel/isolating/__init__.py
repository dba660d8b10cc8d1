"""What a cell that failed keeps from running: only what needs it."""
