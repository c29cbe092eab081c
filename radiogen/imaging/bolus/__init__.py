"""Parts of contrast examinations: motion, curves, fits and maps."""
