"""The command line, and standalone: all five services in one process."""
