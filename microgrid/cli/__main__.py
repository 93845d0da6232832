"""`python -m microgrid.cli` is the command line, too."""

from microgrid.cli import main

main()
