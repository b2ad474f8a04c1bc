"""Text search: what a text's words are, what stands in keys for them, and how well a document answers. No I/O."""
