"""Benchmarks: `python -m tests.bench [NAME …]`. A module's `run() -> dict` gives figures, kept as var/bench/NAME.json.

Figures are medians of interleaved rounds with a reference measured in the same run, and CPU per message, which a shared
machine disturbs less than it disturbs rates. Nothing here asserts: a test's verdict must not hang on a clock.
"""
