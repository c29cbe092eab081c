"""``python -m radiogen``."""

from radiogen.cli import main

main()
