"""Processes of the cluster manager that are killed, frozen and starved while they work on a simulated cloud."""
