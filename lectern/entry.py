"""Where the ``lectern`` command begins.

Worker processes import the main module again, under another name. What it imports at its top they
would all load, so the command line is imported only when it is going to run.
"""


def main() -> None:
    """Run the command line."""
    from lectern.cli import main as run

    run()
