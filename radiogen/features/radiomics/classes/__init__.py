"""The feature classes of the native engine: matrices and their features, one file per family."""
