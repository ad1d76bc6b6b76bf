"""What is shown.

One module per family of documents. Each function makes an element from entities, as the caller may see them.
"""
