"""tcp-echo: is to send every byte back, to any number of clients at a time. So far it reads once and hangs up."""

import os
import socket
import sys


def listen(host, port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Your turn: an option, set before bind, that lets the server start again at once after it was stopped.
    listener.bind((host, port))
    listener.listen(128)
    return listener


def serve(listener):
    # Your turn: attend each client so that the next one need not wait, and go on if accept fails once.
    while True:
        client, _ = listener.accept()
        attend(client)


def attend(client):
    with client:  # closes the socket, whatever happens
        # Your turn: a reset by this client must not stop the server.
        echo(client)


def echo(client):
    data = client.recv(65536)
    # Your turn: send the bytes back, all of them, and go on until the client's end of file.
    print(f"tcp-echo: {len(data)} bytes came, none was sent back", file=sys.stderr)


def main():
    listener = listen(os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    print("tcp-echo: listening on %s:%d" % listener.getsockname(), file=sys.stderr)
    serve(listener)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # Ctrl-C: the usual way to stop it, no failure
        pass
