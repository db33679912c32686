"""A client that copes, by its calls. Its peer comes late, and then reads slowly."""

import errno
import os
import select
import socket
import threading
import time

LIMIT = 5.0  # seconds, for each wait
TRIES, DELAY = 3, 0.2
MESSAGE = b"x" * (256 * 1024 - 1) + b"\n"


class TimedOut(Exception):
    pass


# ANCHOR: wait
def wait(connection, event):
    """Waits until the connection is ready, but no longer than the limit."""
    poll = select.poll()
    poll.register(connection, event)
    if not poll.poll(LIMIT * 1000):  # poll counts in milliseconds
        raise TimedOut
# ANCHOR_END: wait


# ANCHOR: open
def open_connection(family, address):
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        error = connection.connect_ex(address)
        if error == errno.EINPROGRESS:
            wait(connection, select.POLLOUT)
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
            wait(connection, select.POLLOUT)
    print(f"sent {sent} bytes; in part: {partial > 0}, buffer full: {full > 0}")
# ANCHOR_END: send


# ANCHOR: receive
def receive_until(connection, end):
    """Receives until `end`; b"" as end means the end of file."""
    received = b""
    while not (end and received.endswith(end)):
        wait(connection, select.POLLIN)
        piece = connection.recv(4096)
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
    while count < len(MESSAGE):
        count += len(connection.recv(4096))
    connection.sendall(b"%d bytes read\n" % count)
    connection.recv(1)  # the client's end of file
    connection.close()


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    listener.bind(("127.0.0.1", 0))
    cues = may_listen, listens, may_read = [threading.Event() for _ in range(3)]
    other_end = threading.Thread(target=peer, args=(listener, *cues))
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
