"""Filters that turn scores into decisions with reasons."""
