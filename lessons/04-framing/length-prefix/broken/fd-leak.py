"""Mistake: fd-leak. Keeps every socket that it accepted. After some thousand clients there are no descriptors left."""

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


# ANCHOR: wrong
clients = []  # everyone who is here, so that a notice could be sent to all


def serve(connection):
    clients.append(connection)
    try:
        answer_messages(connection)
    except (OSError, EOFError):
        pass  # this client is gone, perhaps in the middle of a message: the others must not notice
    finally:
        end(connection)


def end(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)  # ends the connection; the descriptor stays
    except OSError:
        pass  # it has been reset
# ANCHOR_END: wrong


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
