"""A tiny stand-in for a post, for both interpreters: field lines in, a lamp line out, ends with its stdin."""

import sys


def main():
    print("ready")
    if "--crash" in sys.argv:
        raise ValueError("crash as asked")
    while True:
        line = sys.stdin.readline()
        if not line or line.strip() == "quit":
            return
        if line.startswith("presence"):
            print("lamp 1000 300" if line.split()[2] == "1" else "lamp 300 8000")
        else:
            print("log heard", line.strip())


main()
