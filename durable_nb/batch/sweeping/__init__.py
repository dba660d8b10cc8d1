"""One run for each row of a table."""
