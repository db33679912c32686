"""Sends every datagram back to where it came from, unchanged."""

import os
import socket
import sys

# ANCHOR: room
LARGEST = 65536  # bytes: no datagram is longer, so none is cut
# ANCHOR_END: room


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])))
        while True:
            echo_one(sock)


# ANCHOR: echo
def echo_one(sock):
    """One recvfrom brings one datagram, whole, and its sender. An empty one is a datagram too, and no end of file."""
    datagram, sender = sock.recvfrom(LARGEST)
    try:
        sock.sendto(datagram, sender)
    except OSError as error:
        # This answer is lost, as any datagram may be. The other peers have nothing to do with it.
        print(f"not sent back to {sender}: {error}", file=sys.stderr)
# ANCHOR_END: echo


if __name__ == "__main__":
    main()
