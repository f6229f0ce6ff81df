"""The critic: a model that reads a problem with its steps, recomputes each, and names the first wrong one."""
