"""The kernel's side of the JupyterLab extension: what front ends are told, and what they ask for.

A front end listens to one comm of a constant name, on which the kernel tells all of them everything. What
it wants to know or to have done it asks on a comm of its own, on which the kernel never sends anything:
ipykernel would then let the questions wait for the cell that runs.
"""
