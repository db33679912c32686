# The mistake eagain-fatal: it limits each wait to a second, and takes 'nothing yet' for the end of the connection.
"""Sends all of its input, says "no more", and prints what the server answers."""

import os
import socket
import sys
import threading


def main():
    address = os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])
    with socket.create_connection(address) as server:
        server.settimeout(1)  # from now on recv may say "nothing yet"
        failures = []
        # Two directions, two threads: the answers are read while the input is still being sent.
        sender = threading.Thread(target=send_input, args=(server, failures), daemon=True)
        sender.start()
        print_answers(server)
        sender.join()  # the server's end of file ends one direction only
    if failures:
        raise failures[0]


def send_input(server, failures):
    """Sends the input to its end, and then the end itself."""
    try:
        while data := os.read(0, 64 * 1024):
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)  # no more to send; what comes is still received
    except OSError as error:
        failures.append(error)


def print_answers(server):
    """Prints what comes, at once, until the server has no more to send."""
    while data := server.recv(64 * 1024):  # a time-out is an OSError too: it ends the program
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"half-close: {error}")
