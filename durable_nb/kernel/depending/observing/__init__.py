"""Notice what a step reads while it runs: files, folders, the environment, modules, the network."""
