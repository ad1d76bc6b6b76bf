"""What clients send, read into specifications: one module per family of documents.

Lenient: unknown elements, their order and foreign attributes do not matter.
"""
