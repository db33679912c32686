"""Mistake: missing-delimiter. Sends the payload reversed, with nothing that tells how long it is."""

import os
import socket
import struct
import threading

LIMIT = 16 * 1024 * 1024  # bytes in one payload


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
        except (OSError, EOFError):
            pass  # this client is gone, perhaps in the middle of a message: the others must not notice


# ANCHOR: wrong
def answer_messages(connection):
    while True:
        [length] = struct.unpack("!I", receive_exactly(connection, 4))
        if length > LIMIT:
            return
        payload = receive_exactly(connection, length)
        payload.reverse()
        connection.sendall(payload)
# ANCHOR_END: wrong


def receive_exactly(connection, count):
    """The next `count` bytes of the stream, however many recv it takes. Grows only as they come."""
    received = bytearray()
    while len(received) < count:
        data = connection.recv(min(count - len(received), 65536))
        if not data:
            raise EOFError
        received += data
    return received


main()
