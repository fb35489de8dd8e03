"""What each seal is for: a frame sealed for one purpose is worth nothing for another (no reflection, no mix-up).

Each ends with a colon, so that none is the beginning of another: what follows can never turn one into the other.
"""

HELLO = b"lamplighter 1 hello:"  # post key; + nothing: the gateway's random is in the payload
HELLO_OK = b"lamplighter 1 hello-ok:"  # post key; + the gateway's random, which makes the answer fresh
SESSION = b"lamplighter 1 session:"  # post key; + both randoms: derives the session key
DOWN = b"lamplighter 1 down:"  # gateway to post, session key
UP = b"lamplighter 1 up:"  # post to gateway, session key
BUS = b"lamplighter 1 bus:"  # anyone to everybody, bus key
HERE = b"lamplighter 1 here:"  # post key; + the search's round: a post shows itself
PLACE = b"lamplighter 1 place:"  # post key; + round and the post's number: its address and the bus key
PLACED = b"lamplighter 1 placed:"  # post key; + the same: it has them
NAME = b"lamplighter 1 name:"  # any key; nothing: the name of a key, which gives nothing of it away
WRAP = b"lamplighter 1 wrap:"  # any key; + what is fresh: the pad that hides another key
