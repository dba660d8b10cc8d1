"""The notebook's parameters: seen, changed, applied."""
