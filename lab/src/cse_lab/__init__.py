"""The lab: everything around the services as processes of their own, on loopback, with nothing shared with the system.

Development only; nothing that is deployed imports it.
"""
