"""Vectors: which a document has, and finding those nearest to one. Pure: no I/O, no clock."""
