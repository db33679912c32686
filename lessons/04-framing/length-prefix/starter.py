"""length-prefix: is to answer each message with its payload reversed. So far it looks at the length, and hangs up.

A message is its payload's length, four bytes in network byte order, and then the payload.
"""

import os
import socket
import sys
import threading


def main():
    address = (os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    with socket.create_server(address, backlog=1024) as listener:  # sets SO_REUSEADDR, too
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=[connection], daemon=True).start()


def serve(connection):
    with connection:
        try:
            answer_messages(connection)
        except OSError:
            pass  # this client is gone: the others must not notice


def answer_messages(connection):
    header = receive_exactly(connection, 4)
    # Your turn: make a number of these bytes, look whether it is too large, receive the payload, answer; and again,
    # until the client's end of file.
    print(f"length-prefix: a message begins with the bytes {header.hex(' ')}: no answer yet", file=sys.stderr)


def receive_exactly(connection, count):
    """The next `count` bytes of the stream."""
    # Your turn: recv returns what has come so far, which may be less. What if the client ends before all have come?
    return connection.recv(count)


main()
