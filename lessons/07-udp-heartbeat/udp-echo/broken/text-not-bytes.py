# Mistake: text-not-bytes. It takes each datagram for text: what is no UTF-8 is changed, white space at the ends is lost.
"""Sends every datagram back to where it came from, unchanged."""

import os
import socket
import sys

LARGEST = 65536  # bytes: no datagram is longer, so none is cut


def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])))
        while True:
            echo_one(sock)


# ANCHOR: wrong
def echo_one(sock):
    datagram, sender = sock.recvfrom(LARGEST)
    text = datagram.decode("utf-8", errors="ignore").strip()
    try:
        sock.sendto(text.encode("utf-8"), sender)
    except OSError as error:
        # This answer is lost, as any datagram may be. The other peers have nothing to do with it.
        print(f"not sent back to {sender}: {error}", file=sys.stderr)
# ANCHOR_END: wrong


if __name__ == "__main__":
    main()
