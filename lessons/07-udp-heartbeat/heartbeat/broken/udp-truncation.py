# Mistake: udp-truncation. Its buffer has room for a beat with a short name: of a longer one the number is lost, and then it
# is no beat.
"""A monitor: hears `beat NAME SEQ` datagrams, and prints who is up, what was lost, and who fell silent."""

import os
import re
import socket
import time

# ANCHOR: wrong
LARGEST = 64  # bytes: surely enough for "beat", a name and a number
# ANCHOR_END: wrong
AT_ONCE = 100  # datagrams, before silence is looked for: a flood from one client must not hide another's silence


def main():
    limit = 3 * int(os.environ["SOCKLAB_INTERVAL_MS"]) / 1000
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])))
        watch(sock, Roll(limit))


def watch(sock, roll):
    """What waits in the queue is heard before anybody is called silent: the beat may be among it."""
    while True:
        for _ in range(AT_ONCE):
            datagram = receive_until(sock, roll.next_due())
            if datagram is None:
                break
            if beat := parse(datagram):
                roll.hear(*beat)
        roll.take_silent(time.monotonic())


def receive_until(sock, due):
    """The next datagram; None when none has come by `due`. A time-out here is nothing wrong: it is how silence is noticed."""
    sock.settimeout(None if due is None else max(0, due - time.monotonic()))
    try:
        return sock.recv(LARGEST)
    except (TimeoutError, BlockingIOError):  # the second one when the time was up already
        return None


BEAT = re.compile(rb"beat ([^ ]{1,64}) ([0-9]{1,20})", re.DOTALL)


def parse(datagram):
    """NAME and SEQ; None when it is no beat, to the last byte. Anybody can send anything to a UDP port."""
    beat = BEAT.fullmatch(datagram)
    return (beat[1], int(beat[2])) if beat else None


class Roll:
    """Who is up: the newest number of each, and when it came. Who gave news last stands last."""

    def __init__(self, limit):
        self.limit = limit
        self.clients = {}

    def hear(self, name, seq):
        newest, _ = self.clients.get(name, (None, None))
        if newest is None:
            say(b"up", name)
        elif seq <= newest:
            return  # late, or doubled: no news
        elif seq > newest + 1:
            say(b"lost", name, b"%d" % (seq - newest - 1))
        self.clients.pop(name, None)  # so that it stands last again
        self.clients[name] = seq, time.monotonic()

    def next_due(self):
        """When the one that has been silent longest is down; None when nobody is up."""
        for _, last_news in self.clients.values():
            return last_news + self.limit
        return None

    def take_silent(self, now):
        while (due := self.next_due()) is not None and due <= now:
            name = next(iter(self.clients))
            del self.clients[name]
            say(b"down", name)


def say(*words):
    """Written at once, past Python's buffer: into a pipe, print would keep it back. A name is bytes, maybe no UTF-8."""
    line = b" ".join(words) + b"\n"
    while line:
        line = line[os.write(1, line):]


if __name__ == "__main__":
    main()
