"""Deep features: what encoders make of pictures, as tables for classical models."""
