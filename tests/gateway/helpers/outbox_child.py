"""A process that fills and empties an outbox until it is killed, or kills itself at a given SQL statement.

    outbox_child.py FILE SEED ROUNDS [STATEMENT]

It plays posts, gateway and broker. What must outlive it goes to stdout, one line each, before the next step:
`sent POST EPOCH SEQ` a post has made an item; `stored POST EPOCH SEQ` the post was told to forget up to seq;
`published ID SEQ POST POSTSEQ` the broker has it, acknowledged or not.
"""

import json
import os
import random
import signal
import sqlite3
import sys
from pathlib import Path

from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.outbox import EVENTS, TELEMETRY, Entry, Outbox

POSTS = ("p01", "p02", "p03")


def say(*words) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def die_at(statement: int) -> None:
    """SIGKILL in front of the statement-th SQL statement of this process."""
    connect, count = sqlite3.connect, [0]

    def traced(*args, **kwargs):
        connection = connect(*args, **kwargs)

        def step(sql: str) -> None:
            count[0] += 1
            if count[0] >= statement:
                os.kill(os.getpid(), signal.SIGKILL)

        connection.set_trace_callback(step)
        return connection

    sqlite3.connect = traced


def main(path: str, seed: str, rounds: str, statement: str = "0") -> None:
    if int(statement):
        die_at(int(statement))
    chance = random.Random(int(seed))
    database = Database(Path(path), lambda text: say("note", text))
    outbox = Outbox(database, 1 << 30)
    database.start()
    made = dict.fromkeys(POSTS, 0) | {post: stored for post, (_, stored) in outbox.stored().items()}
    held = {post: [] for post in POSTS}
    for _ in range(int(rounds)):
        post = chance.choice(POSTS)
        for _ in range(chance.randrange(4)):
            made[post] += 1
            held[post].append(made[post])
            say("sent", post, 1, made[post])
        heard = [entry(post, seq, True) for seq in held[post] if chance.random() < 0.4]
        outbox.append(heard).result()
        if held[post]:
            outbox.append([entry(post, seq, False) for seq in held[post]]).result()
            say("stored", post, 1, held[post][-1])
            held[post] = []
        publish(outbox, chance)
    database.close()
    say("end")


def entry(post: str, seq: int, fast: bool) -> Entry:
    stream = EVENTS if seq % 3 else TELEMETRY
    return Entry(stream, post, 1, seq, json.dumps({"post": post, "post_seq": seq}), fast)


def publish(outbox: Outbox, chance: random.Random) -> None:
    for stream in (EVENTS, TELEMETRY):
        rows = outbox.read(stream, 0, chance.randrange(1, 6))
        for row in rows:
            body = json.loads(row.body)
            say("published", outbox.epoch, row.seq, body["post"], body["post_seq"])
        if rows and chance.random() < 0.7:
            outbox.acknowledge(stream, rows[0].seq, rows[-1].seq).result()


if __name__ == "__main__":
    main(*sys.argv[1:])
