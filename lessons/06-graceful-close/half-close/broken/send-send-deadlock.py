# The mistake send-send-deadlock: it sends all of its input before it reads anything. A server that answers as it reads
# waits for room to send, this program too, and neither reads: with a large input both wait for ever.
"""Sends all of its input, says "no more", and prints what the server answers."""

import os
import socket
import sys


# ANCHOR: wrong
def main():
    address = os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])
    with socket.create_connection(address) as server:
        while data := os.read(0, 64 * 1024):
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)
        # Everything is sent: now the answers.
        while data := server.recv(64 * 1024):
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
# ANCHOR_END: wrong


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"half-close: {error}")
