"""What a step's results depend on: found before it runs and while it runs, compared when it comes again."""
