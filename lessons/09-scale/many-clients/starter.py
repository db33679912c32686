"""many-clients: is to send every byte back, to a thousand clients at once. So far it reads once and hangs up.

One thread serves them all. No call waits for one client: the selector waits for any of them. You may also begin again
in another way, with a thread for each client, for example.
"""

import os
import selectors
import socket
import sys

READ = selectors.EVENT_READ


class Client:
    def __init__(self, connection):
        self.connection = connection
        # Your turn: what has come and could not be sent back yet has to be kept, for each client.

    def receive(self):
        # Your turn: on a non-blocking socket, "nothing there now" is an error that is none (BlockingIOError). And so is
        # "no room now", when you send.
        return self.connection.recv(16384)


class Server:
    def __init__(self, listener):
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, READ)

    def serve(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    self.accept()
                else:
                    self.attend(key.data)

    def attend(self, client):
        # Your turn: a reset by this client must not stop the server.
        data = client.receive()
        # Your turn: send the bytes back, as many as there is room for; wait for room for the rest, but not here.
        print(f"many-clients: {len(data)} bytes came, none was sent back", file=sys.stderr)
        self.close(client)

    def accept(self):
        connection, _ = self.listener.accept()
        connection.setblocking(False)
        self.selector.register(connection, READ, Client(connection))

    def close(self, client):
        self.selector.unregister(client.connection)
        client.connection.close()


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
