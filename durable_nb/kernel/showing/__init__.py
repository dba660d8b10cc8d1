"""What the reader sees of steps: status lines, tables, explanations, plans."""
