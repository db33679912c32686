# The mistake broken-pipe: nobody catches a client's reset. One client that resets ends the whole loop.
"""Reads one line, sends a long reply, and closes so that all of it arrives. One thread serves everybody."""

import os
import selectors
import socket

REPLY_BYTES = int(os.environ["SOCKLAB_REPLY_BYTES"])
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
PIECE = memoryview(b"x" * 64 * 1024)


class Client:
    def __init__(self, connection):
        self.connection = connection
        self.answers = False  # its line has come
        self.left = REPLY_BYTES
        self.done = False  # it has ended its sending, too

    def wants(self):
        """What to wait for: its line, or room for the reply, or, in the end, whatever it sends still."""
        return WRITE if self.answers and self.left else READ

    # ANCHOR: wrong
    def attend(self):
        if self.wants() == WRITE:
            self.left -= self.connection.send(PIECE[: self.left])  # may raise BrokenPipeError
            if not self.left:
                self.connection.shutdown(socket.SHUT_WR)
            return
        data = self.connection.recv(64 * 1024)  # may raise ConnectionResetError
        self.done = not data
        self.answers = self.answers or b"\n" in data
    # ANCHOR_END: wrong


def listen(host, port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)
    return listener


def main():
    listener = listen(os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    selector = selectors.DefaultSelector()
    selector.register(listener, READ)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                connection, _ = listener.accept()
                connection.setblocking(False)
                selector.register(connection, READ, Client(connection))
                continue
            client = key.data
            client.attend()
            if client.done:
                selector.unregister(client.connection)
                client.connection.close()
            elif key.events != client.wants():
                selector.modify(client.connection, client.wants(), client)


if __name__ == "__main__":
    main()
