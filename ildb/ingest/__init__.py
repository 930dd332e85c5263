"""Readers of sources, and the one way into the database."""
