"""``python -m lectern``: the command line."""

from lectern.cli import main

if __name__ == "__main__":
    main()
