"""Recipes, stages, runs."""
