"""The calls of a TCP client, in Python. Both ends are here: a small chat server runs on a thread."""

import json
import queue
import socket
import threading
import time

LIMIT = 5.0  # seconds: for the connection, and for each answer


def main():
    listener = socket.create_server(("127.0.0.1", 0))  # the server has one address, an IPv4 one
    threading.Thread(target=serve, args=(listener,)).start()
    sock = connect(None, listener.getsockname()[1])
    answers = queue.Queue()
    receiver = threading.Thread(target=receive, args=(sock, answers))
    receiver.start()
    converse(sock, answers)
    close(sock, receiver)


# ANCHOR: addresses
def connect(host, port):
    """A connection to the first address of `host` that takes one. None stands for this machine."""
    last = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(LIMIT)
        try:
            sock.connect(address)
        except OSError as error:
            print(f"{address[0]}: {error.strerror or error}")  # a time-out has no strerror
            sock.close()
            last = error
            continue
        print(f"{address[0]}: connected")
        sock.settimeout(None)
        return sock
    raise last
# ANCHOR_END: addresses


# ANCHOR: receive
def receive(sock, answers):
    """On a thread of its own: what comes is put where the other thread waits. None stands for the end."""
    pending = b""
    while data := sock.recv(4096):
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            print("received", line.decode())
            answers.put(json.loads(line))
    answers.put(None)
# ANCHOR_END: receive


# ANCHOR: converse
def converse(sock, answers):
    send(sock, {"type": "login", "username": "mei", "password": "secret"})
    wait_for(answers, "login_response")
    send(sock, {"type": "chat", "content": "hello"})  # no answer to a chat
    send(sock, {"type": "logout"})
    wait_for(answers, "logout_response")


def send(sock, message):
    sock.sendall(json.dumps(message).encode() + b"\n")


def wait_for(answers, kind):
    """What comes before the answer is no answer: here, the chats of others."""
    deadline = time.monotonic() + LIMIT
    while message := answers.get(timeout=max(0, deadline - time.monotonic())):
        if message["type"] == kind:
            return
    raise EOFError("the server closed the connection")
# ANCHOR_END: converse


# ANCHOR: close
def close(sock, receiver):
    sock.shutdown(socket.SHUT_WR)  # no more from us; the receiver goes on to the server's end of file
    receiver.join()
    sock.close()
    print("closed")
# ANCHOR_END: close


def serve(listener):
    """The other end, for one client; it takes whole lines, however they come."""
    conn, _ = listener.accept()
    with listener, conn, conn.makefile("r") as lines:
        for line in lines:
            kind = json.loads(line)["type"]
            if kind == "login":
                send(conn, {"type": "chat_message", "username": "lin", "content": "who comes?"})
            if kind in ("login", "logout"):
                send(conn, {"type": f"{kind}_response", "success": True})


if __name__ == "__main__":
    main()
