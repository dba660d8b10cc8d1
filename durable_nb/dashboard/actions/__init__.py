"""What a person can do with a step: offered, foretold, done, recorded, taken back."""
