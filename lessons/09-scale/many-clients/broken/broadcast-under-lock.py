# The mistake broadcast-under-lock: one thread serves all, and waits in sendall for the one that does not read.

import os
import selectors
import socket
import sys


def listen(host, port):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)  # so many may be connected and not yet accepted
    return listener


# ANCHOR: wrong
def attend(client):
    """Says whether the client is still there. That there is something to receive, the selector has said."""
    try:
        data = client.recv(16384)
        client.sendall(data)  # waits until there is room; meanwhile nobody is served
        return bool(data)
    except OSError as error:
        print(f"many-clients: a client is lost: {error}", file=sys.stderr)
        return False
# ANCHOR_END: wrong


def serve(listener):
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                client, _ = listener.accept()
                selector.register(client, selectors.EVENT_READ)
            elif not attend(key.fileobj):
                selector.unregister(key.fileobj)
                key.fileobj.close()


def main():
    listener = listen(os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"]))
    print("many-clients: listening on %s:%d" % listener.getsockname(), file=sys.stderr)
    serve(listener)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # Ctrl-C: the usual way to stop it, no failure
        pass
