"""What runs inside a kernel, around the user's cells."""
