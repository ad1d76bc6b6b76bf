"""Runtime-defined entities, as vCloud Director has them from API 35.0 on, and the rights bundles that come with them.

A type has a JSON schema; its entities are documents that are created first and held against the schema when somebody
resolves them. Two things decide what a user may do with one: the rights of the type that his role carries, and the
entity's access control list.
"""
