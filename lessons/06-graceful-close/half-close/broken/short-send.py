# The mistake short-send: it sends its input with one send, and does not ask how much of it was taken.
"""Sends all of its input, says "no more", and prints what the server answers."""

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
        sender.join()  # the server's end of file ends one direction only
    if failures:
        raise failures[0]


def send_input(server, failures):
    """Sends the input, and then the end of it."""
    try:
        data = sys.stdin.buffer.read()
        server.settimeout(60)  # send then takes what there is room for, and does not wait for more
        server.send(data)  # how much was taken, nobody asks
        server.shutdown(socket.SHUT_WR)  # no more to send; what comes is still received
    except OSError as error:
        failures.append(error)


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
