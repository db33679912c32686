"""Sends every datagram back to where it came from, unchanged."""

import os
import socket
import sys

# Your turn: how long can a datagram be? This is only enough to see that one came.
ROOM = 1  # bytes


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])))
        while True:
            echo_one(sock)


def echo_one(sock):
    """One recvfrom brings one datagram and its sender."""
    datagram, sender = sock.recvfrom(ROOM)
    # Your turn: send it back to its sender. What becomes of the other peers when that fails?
    print(f"something came from {sender}, it begins with {datagram!r}", file=sys.stderr)


if __name__ == "__main__":
    main()
