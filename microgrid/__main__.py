"""`python -m microgrid` is the command line."""

from microgrid.cli import main

main()
