"""Sends all of its input, says "no more", and prints what the server answers until the server says "no more" too."""

import os
import socket
import sys


def main():
    address = os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])
    with socket.create_connection(address) as server:
        # Your turn: a server may answer while it reads. What happens with a large input when one direction waits
        # until the other one has ended?
        send_input(server)
        print_answers(server)


def send_input(server):
    """Sends the input to its end, and then the end itself."""
    server.sendall(os.read(0, 64 * 1024))
    # Your turn: this was the first piece. Send the others too; then say "no more", and stay able to receive.


def print_answers(server):
    """Prints what comes, at once, until the server has no more to send."""
    # Your turn: receive, and write to sys.stdout.buffer, which takes bytes. What tells the end?
    sys.exit(f"half-close: sent a piece to {server.getpeername()}; the rest is not written yet")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"half-close: {error}")
