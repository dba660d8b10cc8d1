"""Outside the kernel: whole notebooks executed as durable runs."""
