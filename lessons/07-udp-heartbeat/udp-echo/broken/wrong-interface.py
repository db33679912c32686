# Mistake: wrong-interface. It receives at every address of the machine, not only at the one it was told.
"""Sends every datagram back to where it came from, unchanged."""

import os
import socket
import sys

LARGEST = 65536  # bytes: no datagram is longer, so none is cut


# ANCHOR: wrong
def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", int(os.environ["SOCKLAB_PORT"])))  # "" is 0.0.0.0: every address of this machine
        while True:
            echo_one(sock)
# ANCHOR_END: wrong


def echo_one(sock):
    """One recvfrom brings one datagram, whole, and its sender. An empty one is a datagram too, and no end of file."""
    datagram, sender = sock.recvfrom(LARGEST)
    try:
        sock.sendto(datagram, sender)
    except OSError as error:
        # This answer is lost, as any datagram may be. The other peers have nothing to do with it.
        print(f"not sent back to {sender}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
