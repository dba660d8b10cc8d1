"""What a step leaves: kept in the store, brought back, made again where it was damaged."""
