"""The command line: one file a verb, no logic of its own."""

from diffeo.cli.app import main as main
