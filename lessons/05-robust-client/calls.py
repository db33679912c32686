"""A client that copes, by its calls. Its peer comes late, and then reads slowly."""

import errno
import os
import select
import socket
import threading
import time

LIMIT = 5.0  # seconds: to connect, for the next room to send, for a whole answer
TRIES, DELAY = 3, 0.2
MESSAGE = b"x" * (256 * 1024 - 1) + b"\n"
LONGEST = 64 * 1024  # bytes of an answer: who sends more is not waited for


class TimedOut(Exception):
    pass


# ANCHOR: wait
def wait(connection, event, deadline):
    """Waits until the connection is ready, but no longer than until the deadline."""
    poll = select.poll()
    poll.register(connection, event)
    left = max(0.0, deadline - time.monotonic())  # a clock that nobody sets back
    if not poll.poll(left * 1000):  # in milliseconds; after a signal Python waits for the rest
        raise TimedOut
# ANCHOR_END: wait


# ANCHOR: open
def open_connection(family, address):
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        error = connection.connect_ex(address)
        if error == errno.EINPROGRESS:
            wait(connection, select.POLLOUT, time.monotonic() + LIMIT)
            error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        return connection
    except (OSError, TimedOut):
        connection.close()  # the next try gets a socket of its own
        raise
# ANCHOR_END: open


# ANCHOR: retry
def connect(host, port, between_tries):
    for this in range(1, TRIES + 1):
        # A name that does not resolve raises socket.gaierror here, and ends it all.
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                connection = open_connection(family, address)
                print(f"try {this} of {TRIES}: connected")
                return connection
            except TimedOut:
                print(f"try {this} of {TRIES}: no answer")
            except OSError as error:
                print(f"try {this} of {TRIES}: {errno.errorcode[error.errno]}")
        if this < TRIES:
            between_tries()
            time.sleep(DELAY)
    raise SystemExit("no connection")
# ANCHOR_END: retry


# ANCHOR: send
def send_all(connection, data, when_full):
    sent = partial = full = 0
    while sent < len(data):
        try:
            taken = connection.send(data[sent:])
            partial += taken < len(data) - sent
            sent += taken
        except BlockingIOError:  # EAGAIN: the send buffer is full
            full += 1
            when_full()
            wait(connection, select.POLLOUT, time.monotonic() + LIMIT)  # each time there was room: anew
    print(f"sent {sent} bytes; in part: {partial > 0}, buffer full: {full > 0}")
# ANCHOR_END: send


# ANCHOR: receive
def receive_until(connection, end):
    """Receives until `end`; b"" as end means the end of file. All of it has one deadline, and a longest size."""
    received, deadline = b"", time.monotonic() + LIMIT
    while not (end and received.endswith(end)) and len(received) < LONGEST:
        wait(connection, select.POLLIN, deadline)
        try:
            piece = connection.recv(4096)
        except BlockingIOError:  # EAGAIN: ready is a hint, not a promise
            continue
        if not piece:  # end of file is not a time-out, and not an error
            break
        received += piece
    return received
# ANCHOR_END: receive


def peer(listener, may_listen, listens, may_read):
    may_listen.wait()
    listener.listen()
    listens.set()
    connection, _ = listener.accept()
    may_read.wait()
    count = 0
    while count < len(MESSAGE) and (piece := connection.recv(4096)):
        count += len(piece)
    connection.sendall(b"%d bytes read\n" % count)
    connection.recv(1)  # the client's end of file
    connection.close()


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    listener.bind(("127.0.0.1", 0))
    cues = may_listen, listens, may_read = [threading.Event() for _ in range(3)]
    other_end = threading.Thread(target=peer, args=(listener, *cues), daemon=True)
    other_end.start()
    connection = connect(*listener.getsockname(), lambda: (may_listen.set(), listens.wait()))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    send_all(connection, MESSAGE, may_read.set)
    print("answer:", receive_until(connection, b"\n").decode().strip())
    # ANCHOR: close
    connection.shutdown(socket.SHUT_WR)  # no more from us
    receive_until(connection, b"")  # what the peer still sends, up to its end of file
    connection.close()
    # ANCHOR_END: close
    print("closed in order")
    other_end.join()
    listener.close()


main()
