"""A monitor: hears `beat NAME SEQ` datagrams, and prints who is up, what was lost, and who fell silent."""

import os
import socket
import sys

LARGEST = 65536  # bytes: no datagram is longer, so none is cut


def main():
    limit = 3 * int(os.environ["SOCKLAB_INTERVAL_MS"]) / 1000
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])))
        watch(sock, Roll(limit))


def watch(sock, roll):
    while True:
        # Your turn: this waits for ever when nobody sends. How long may it wait, before somebody is down?
        datagram = sock.recv(LARGEST)
        if beat := parse(datagram):
            roll.hear(*beat)


def parse(datagram):
    """NAME and SEQ; None when it is no beat. Anybody can send anything to a UDP port."""
    # Your turn: take a beat apart, and let nothing else pass.
    print(f"came: {datagram!r}", file=sys.stderr)
    return None


class Roll:
    """Who is up."""

    def __init__(self, limit):
        self.limit = limit
        # Your turn: of each name, what has to be remembered to tell what is lost, and who is silent?

    def hear(self, name, seq):
        # Your turn: which of these is it: the first beat, the next one, a jump, or no news? Print that, at once.
        print(f"a beat of {name!r}, number {seq}", file=sys.stderr)


if __name__ == "__main__":
    main()
