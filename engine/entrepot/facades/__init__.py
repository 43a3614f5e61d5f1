"""The doors that speak as other products do, for tools that already read those: translation only, no truth of their own.

A request walks down: `entrepot.web` (whose it is, by host and path) -> `door` (what was heard) -> the facade's own package
(who asks, what the engine says, its shape) -> `door` (what is sent). `limits` and `snapshots` keep pollers cheap. What each of
them promises: docs/facades.md.
"""
