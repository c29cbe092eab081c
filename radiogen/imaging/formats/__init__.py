"""The kinds of files, each turned into an image."""
