"""Stages: the database side of each pipeline step."""
