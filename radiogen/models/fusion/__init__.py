"""Networks that see several inputs at once, for whichever of them a unit has."""
