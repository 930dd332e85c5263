"""Melting points: features, model, calibration, domain."""
