"""Mistake: broken-pipe. Nobody catches a client's reset. One client that resets ends the loop, and with it the server."""

import os
import select
import socket
import time

LIMIT = 1024 * 1024  # bytes in one line, its newline not counted


class Client:
    def __init__(self, connection):
        self.connection = connection
        self.line = bytearray()  # as much of the present line as has come
        self.until = None  # until when what still comes is thrown away; None: it is answered


def main():
    address = (os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    with socket.create_server(address, backlog=1024) as listener:  # sets SO_REUSEADDR, too
        serve(listener)


# ANCHOR: wrong
def serve(listener):
    clients = {}
    while True:
        ready, _, _ = select.select([listener, *clients], [], [])
        for connection in ready:
            if connection is listener:
                connection, _ = listener.accept()
                clients[connection] = Client(connection)
            elif not attend(clients[connection]):  # may raise ConnectionResetError or BrokenPipeError
                del clients[connection]
                connection.close()
# ANCHOR_END: wrong


def attend(client):
    """Answers what has come; False when the connection is over."""
    data = client.connection.recv(65536)
    if client.until:
        return bool(data) and time.monotonic() < client.until
    answers = bytearray()
    for number, piece in enumerate(data.split(b"\n")):
        if number > 0:  # a newline stood before this piece: the line is whole
            answers += answer(client.line)
            client.line = bytearray()
        client.line += piece
        if len(client.line) > LIMIT:
            client.connection.sendall(answers)
            client.connection.shutdown(socket.SHUT_WR)  # closing with bytes unread would reset it
            client.until = time.monotonic() + 2
            return True
    client.connection.sendall(answers)
    return bool(data)


def answer(line):
    text = line.removesuffix(b"\r").decode("utf-8")
    return f"{len(text)}\n".encode()


main()
