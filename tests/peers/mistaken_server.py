"""A server that makes a mistake in a way that the programs in lessons do not: mistaken_server.py MANNER."""

import os
import signal
import socket
import sys
import threading

HOST, PORT = os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])
KEPT = []


def listen(port=PORT):
    return socket.create_server((HOST, port), backlog=128)


def serve(attend, keeps=False):
    listener = listen()
    while True:
        client, _ = listener.accept()
        if keeps:
            KEPT.append(client)
        threading.Thread(target=attend, args=(client,), daemon=True).start()


def calmly(attend):
    """An error ends this client only."""

    def calm(client):
        try:
            attend(client)
        except OSError:
            pass
        client.close()

    return calm


def echo(client):
    while data := client.recv(65536):
        client.sendall(data)


def hasty():
    """Looks for bytes at once, and takes that there are none yet for the end."""

    def look(client):
        client.setblocking(False)
        echo(client)

    serve(calmly(look))


def wrong_socket():
    """Receives from a socket that is not connected, which fails at once too, whether or not bytes have come."""
    serve(calmly(lambda client: socket.socket().recv(65536)))


def once():
    """Not ended by EAGAIN, though its sockets may say that: Go's and Node's do not block either."""

    def answer(client):
        client.settimeout(60)
        client.sendall(client.recv(65536))

    serve(calmly(answer))


def lines():
    def by_lines(client):
        for line in client.makefile("rb"):
            client.sendall(line)

    serve(calmly(by_lines))


def buffered():
    def hold_back(client):
        with client.makefile("wb", buffering=8192) as output:
            while data := client.recv(4096):
                output.write(data)

    serve(calmly(hold_back))


def whole_buffer():
    def send_it_all(client):
        buffer = bytearray(1024)
        while client.recv_into(buffer):
            client.sendall(buffer)

    serve(calmly(send_it_all))


def forgetful():
    """Leaves its loop at the end of file, and keeps the socket."""
    serve(echo, keeps=True)


def no_htons():
    listener = listen(PORT >> 8 | (PORT & 255) << 8)
    listener.accept()


def interrupted():
    """A process for each client, and an accept that is given up when one of them ends."""

    def wake(*_):
        raise InterruptedError

    signal.signal(signal.SIGCHLD, wake)
    listener = listen()
    try:
        while True:
            client, _ = listener.accept()
            if os.fork() == 0:
                calmly(echo)(client)
                os._exit(0)
            client.close()
    except InterruptedError:
        os._exit(0)


def unflushed_reply():
    def reply(client):
        client.makefile("rb").readline()
        output = client.makefile("wb", buffering=8192)
        for _ in range(int(os.environ["SOCKLAB_REPLY_BYTES"])):
            output.write(b"x")
        client.shutdown(socket.SHUT_WR)
        client.recv(1)

    serve(calmly(reply))


def drains_in_turn():
    """Right with one client, the next of which has to wait until this one closes."""
    listener = listen()
    reply = b"x" * int(os.environ["SOCKLAB_REPLY_BYTES"])

    def answer(client):
        client.makefile("rb").readline()
        client.sendall(reply)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass

    while True:
        calmly(answer)(listener.accept()[0])


def takes_room():
    """Takes and fills the room for a message when it has heard how long it will be."""

    def frames(client):
        stream = client.makefile("rb")
        while len(head := stream.read(4)) == 4:
            payload = bytearray(b"\1") * int.from_bytes(head, "big")
            if stream.readinto(payload) < len(payload):
                return
            client.sendall(head + payload[::-1])

    serve(calmly(frames))


def recv_each():
    """One recv for the length, one for the payload: an empty one looks like the end."""

    def frames(client):
        while head := client.recv(4):
            payload = client.recv(int.from_bytes(head, "big"))
            if not payload:
                return
            client.sendall(head + payload[::-1])

    serve(calmly(frames))


def unflushed_chat():
    def answer(client):
        output = client.makefile("wb", buffering=8192)
        for _ in client.makefile("rb"):
            output.write(b'{"type": "error", "message": "not yet"}\n')

    serve(calmly(answer))


globals()[sys.argv[1]]()
