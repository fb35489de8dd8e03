"""`python -m lampsim` is the command `lampsim`."""

from .cli import main

if __name__ == "__main__":
    main()
