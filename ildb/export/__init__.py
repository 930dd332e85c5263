"""Exports for analysis."""
