# The mistake close-not-shutdown: at the end of the input it closes both directions, and so gives up the answer too.
"""Sends all of its input, and prints what the server answers."""

import os
import socket
import sys
import threading


def main():
    address = os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])
    with socket.create_connection(address) as server:
        failures = []
        # Two directions, two threads: the answers are read while the input is still being sent.
        sender = threading.Thread(target=send_input, args=(server, failures), daemon=True)
        sender.start()
        print_answers(server)
        sender.join()
    if failures:
        raise failures[0]


# ANCHOR: wrong
def send_input(server, failures):
    """Sends the input to its end, and then closes."""
    try:
        while data := os.read(0, 64 * 1024):
            server.sendall(data)
        server.shutdown(socket.SHUT_RDWR)  # close it: both directions, at once
    except OSError as error:
        failures.append(error)
# ANCHOR_END: wrong


def print_answers(server):
    """Prints what comes, at once, until the server has no more to send."""
    while data := server.recv(64 * 1024):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"half-close: {error}")
