# The mistake fd-leak: keeps every socket that it accepted. After some thousand clients there are no descriptors left.

import errno
import os
import selectors
import socket
import sys

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
class Client:
    LIMIT = 65536  # with this much unsent, no more is read: then TCP makes the client wait

    def __init__(self, connection):
        self.connection = connection
        self.unsent = bytearray()
        self.ended = False  # its end of file has come

    def wants(self):
        """What to wait for, for this client."""
        wants = WRITE if self.unsent else 0
        if not self.ended and len(self.unsent) < self.LIMIT:
            wants |= READ
        return wants

    def done(self):
        return self.ended and not self.unsent
    def receive(self):
        try:
            data = self.connection.recv(16384)
        except BlockingIOError:  # EAGAIN: nothing there after all; the selector will tell
            return
        self.unsent += data
        self.ended = not data

    def send(self):
        try:
            sent = self.connection.send(self.unsent)
        except BlockingIOError:  # EAGAIN: no room yet; the selector will tell
            return
        del self.unsent[:sent]
class Server:
    def __init__(self, listener):
        self.listener = listener
        self.former = []  # for the statistics
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, READ)

    def serve(self):
        while True:
            for key, ready in self.selector.select():
                if key.data is None:
                    self.accept()
                else:
                    self.attend(key.data, ready)

    def attend(self, client, ready):
        try:
            if ready & READ:
                client.receive()
            if client.unsent:
                client.send()
        except OSError as error:
            # A reset (ECONNRESET, EPIPE) is the end of this client only.
            print(f"many-clients: a client is lost: {error}", file=sys.stderr)
            self.close(client)
            return
        if client.done():
            self.close(client)
        else:
            self.watch(client)

    def watch(self, client):
        key = self.selector.get_key(client.connection)
        if key.events != client.wants():
            self.selector.modify(client.connection, client.wants(), client)
    def accept(self):
        try:
            connection, _ = self.listener.accept()
        except OSError as error:
            # The client gave up before its turn: nothing to do. Or there is no descriptor left: the listener is watched
            # no more, or it would be found ready again and again.
            if error.errno in NO_ROOM:
                self.selector.unregister(self.listener)
            return
        connection.setblocking(False)
        self.selector.register(connection, READ, Client(connection))

    # ANCHOR: wrong
    def close(self, client):
        self.selector.unregister(client.connection)
        try:
            client.connection.shutdown(socket.SHUT_RDWR)  # sends the FIN; the descriptor stays
        except OSError:  # it was reset: nothing to shut down
            pass
        self.former.append(client)
    # ANCHOR_END: wrong


def listen(host, port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)  # so many may be connected and not yet accepted
    listener.setblocking(False)
    return listener


def main():
    listener = listen(os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    print("many-clients: listening on %s:%d" % listener.getsockname(), file=sys.stderr)
    Server(listener).serve()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # Ctrl-C: the usual way to stop it, no failure
        pass
