"""Molecular dynamics: force fields per ion, boxes, the temperature ladder and what comes out of it."""
