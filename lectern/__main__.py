"""``python -m lectern``: the command line."""

from lectern.entry import main

if __name__ == "__main__":
    main()
