"""The same plant in the words of each program; every file is a script for a process of its own."""
