"""Mistake: unbounded-message. Waits for the newline, however many bytes come before it."""

import os
import socket
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
            answer_lines(connection)
        except (OSError, UnicodeDecodeError):
            pass  # this client is gone, or sends what is no UTF-8: the others must not notice


# ANCHOR: wrong
def answer_lines(connection):
    for line in connection.makefile("rb"):
        connection.sendall(answer(line.removesuffix(b"\n")))
# ANCHOR_END: wrong


def answer(line):
    text = line.removesuffix(b"\r").decode("utf-8")
    return f"{len(text)}\n".encode()


main()
