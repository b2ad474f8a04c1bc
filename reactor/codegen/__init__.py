"""Types for the programs around an application: TypeScript for clients, Python for its own functions."""
