"""Deploys: what another distributor of a repository serves is copied, and pushed to the servers at the edge.

The copy is this plugin's; the pushes are the engine's, for every distributor whose configuration is a `DeployConfig`.
"""
