"""Trouble on purpose, against real servers and a sink that is not ours: `make chaos` runs it long."""
