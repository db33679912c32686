"""Mistake: wrong-interface. Listens on every address of the machine, not on the one that it was told."""

import os
import socket
import threading
import time

LIMIT = 1024 * 1024  # bytes in one line, its newline not counted


# ANCHOR: wrong
def main():
    address = ("", int(os.environ["SOCKLAB_PORT"]))  # "" is 0.0.0.0: every address of this machine
    with socket.create_server(address, backlog=1024) as listener:  # sets SO_REUSEADDR, too
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=[connection], daemon=True).start()
# ANCHOR_END: wrong


def serve(connection):
    with connection:
        try:
            answer_lines(connection)
        except (OSError, UnicodeDecodeError):
            pass  # this client is gone, or sends what is no UTF-8: the others must not notice


def answer_lines(connection):
    line = bytearray()  # as much of the present line as has come
    while data := connection.recv(65536):
        answers = bytearray()
        for number, piece in enumerate(data.split(b"\n")):
            if number > 0:  # a newline stood before this piece: the line is whole
                answers += answer(line)
                line = bytearray()
            line += piece
            if len(line) > LIMIT:
                connection.sendall(answers)
                return hang_up(connection)
        connection.sendall(answers)


def answer(line):
    text = line.removesuffix(b"\r").decode("utf-8")
    return f"{len(text)}\n".encode()


def hang_up(connection):
    """Ends the connection so that the answers arrive: closing with bytes unread would reset it."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(1)
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and connection.recv(65536):
        pass


main()
