"""Mistake: utf8-split. Decodes what each recv brings by itself, though a character may be cut in two."""

import os
import socket
import threading
import time

LIMIT = 1024 * 1024  # bytes in one line, its newline not counted


def main():
    address = (os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    with socket.create_server(address, backlog=1024) as listener:  # sets SO_REUSEADDR, too
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=[connection], daemon=True).start()


def serve(connection):
    with connection:
        try:
            answer_lines(connection)
        except (OSError, UnicodeDecodeError):
            pass  # this client is gone, or sends what is no UTF-8: the others must not notice


# ANCHOR: wrong
def answer_lines(connection):
    line = ""  # as much of the present line as has come
    while data := connection.recv(65536):
        answers = ""
        for number, piece in enumerate(data.decode("utf-8").split("\n")):
            if number > 0:
                answers += answer(line)
                line = ""
            line += piece
            if len(line.encode()) > LIMIT:
                connection.sendall(answers.encode())
                return hang_up(connection)
        connection.sendall(answers.encode())
# ANCHOR_END: wrong


def answer(line):
    return str(len(line.removesuffix("\r"))) + "\n"


def hang_up(connection):
    """Ends the connection so that the answers arrive: closing with bytes unread would reset it."""
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(1)
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline and connection.recv(65536):
        pass


main()
