# Mistake: udp-truncation. Its buffer has room for what fits into one Ethernet frame: of a longer datagram the rest is
# lost, and no error tells.
"""Sends every datagram back to where it came from, unchanged."""

import os
import socket
import sys

# ANCHOR: wrong
ROOM = 1472  # bytes: what fits into one packet of an Ethernet network


def echo_one(sock):
    datagram, sender = sock.recvfrom(ROOM)
    try:
        sock.sendto(datagram, sender)
    except OSError as error:
        # This answer is lost, as any datagram may be. The other peers have nothing to do with it.
        print(f"not sent back to {sender}: {error}", file=sys.stderr)
# ANCHOR_END: wrong


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])))
        while True:
            echo_one(sock)


if __name__ == "__main__":
    main()
