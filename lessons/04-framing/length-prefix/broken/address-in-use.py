"""Mistake: address-in-use. Binds without SO_REUSEADDR. It often cannot be started again for a minute."""

import os
import socket
import struct
import threading

LIMIT = 16 * 1024 * 1024  # bytes in one payload


# ANCHOR: wrong
def main():
    address = (os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen(1024)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=[connection], daemon=True).start()
# ANCHOR_END: wrong


def serve(connection):
    with connection:
        try:
            answer_messages(connection)
        except (OSError, EOFError):
            pass  # this client is gone, perhaps in the middle of a message: the others must not notice


def answer_messages(connection):
    while True:
        [length] = struct.unpack("!I", receive_exactly(connection, 4))
        if length > LIMIT:
            return
        payload = receive_exactly(connection, length)
        payload.reverse()
        connection.sendall(struct.pack("!I", length) + payload)


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
