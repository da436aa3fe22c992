"""What is true and allowed: the register, the plans, the ledger and the gate.

A library without processes: nothing here reads the environment, starts a thread or knows a queue.
"""

__version__ = "0.1.0"
