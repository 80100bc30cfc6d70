"""Words of a command line in, calls of verbs out; one function per command."""
