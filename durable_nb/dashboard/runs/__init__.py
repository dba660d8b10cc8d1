"""The runs of a store: listed, looked at, compared, gone on with."""
