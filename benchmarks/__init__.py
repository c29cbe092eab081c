"""Measured claims: every figure of speed or accuracy in the documentation comes from a script here."""
