"""Mistake: one-recv-one-message. Takes what each recv brings for one whole message, length and payload."""

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
        except OSError:
            pass  # this client is gone: the others must not notice


# ANCHOR: wrong
def answer_messages(connection):
    while message := connection.recv(65536):
        length = int.from_bytes(message[:4], "big")
        if length > LIMIT:
            return
        payload = message[4 : 4 + length]
        connection.sendall(struct.pack("!I", len(payload)) + payload[::-1])
# ANCHOR_END: wrong


main()
