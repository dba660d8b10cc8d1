"""What the ledger and the notebooks know of runs and steps, as plain values."""
