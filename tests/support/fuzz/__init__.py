"""Conversations with a server, changed at random, and what must hold whatever comes."""
