"""Background loops: a name, a period, and a function that does one round and returns a count.

Any number of processes may run the same loop: every round is safe beside another one.
"""

from entrepot.loops.loop import Loop, LoopRunner

__all__ = ["Loop", "LoopRunner"]
