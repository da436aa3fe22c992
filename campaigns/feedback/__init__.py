"""News after the hand-over: read, classified, and turned into register updates."""
