"""A client with a peculiarity, as libraries and other languages have them: odd_client.py PECULIARITY."""

import os
import re
import select
import socket
import sys
import threading
import time

HOST, PORT = os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])


def connected():
    return socket.create_connection((HOST, PORT))


def send_input(sock):
    while data := os.read(0, 65536):
        sock.sendall(data)


def always_non_blocking():
    """As in Go and Ruby: the socket is non-blocking, and no call shows it. It closes to end its sending, and fails."""
    sock = connected()
    sock.setblocking(False)
    send_input(sock)
    sock.close()
    try:
        sock.recv(65536)
    except OSError:
        sys.exit("use of closed connection")


def late_non_blocking():
    """It sends as it should, and then takes it for a failure that nothing has come yet, in words of its own."""
    sock = connected()
    send_input(sock)
    sock.setblocking(False)
    try:
        while data := sock.recv(65536):
            os.write(1, data)
    except OSError:
        sys.exit("cannot read from the server")


def takes_hang_up_for_the_end():
    """As libuv does: what comes together with a hang-up is read, and the hang-up is the end. Otherwise all is right."""
    sock = connected()
    threading.Thread(target=lambda: (send_input(sock), sock.shutdown(socket.SHUT_WR)), daemon=True).start()
    watch = select.poll()
    watch.register(sock, select.POLLIN)
    while True:
        time.sleep(0.05)  # a loop that is busy with something else now and then
        [(_, events)] = watch.poll()
        try:
            data = sock.recv(65536)
        except OSError as error:
            sys.exit(str(error))
        os.write(1, data)
        if not data or events & select.POLLHUP and len(data) < 65536:
            return


def tries_again_what_is_temporary():
    """A name server that gives no answer may give one later; that a name does not exist is for good."""
    for _ in range(int(os.environ["SOCKLAB_RETRIES"])):
        try:
            sock = connected()
            break
        except socket.gaierror as error:
            if error.errno != socket.EAI_AGAIN:
                sys.exit(str(error))
            time.sleep(int(os.environ["SOCKLAB_RETRY_DELAY_MS"]) / 1000)
    else:
        sys.exit("no connection")
    send_input(sock)
    sock.shutdown(socket.SHUT_WR)
    while data := sock.recv(65536):
        os.write(1, data)


def counts_seconds():
    """A monitor whose thread looks for silence, with the interval in the wrong unit."""
    limit = 3 * int(os.environ["SOCKLAB_INTERVAL_MS"])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, PORT))
    seen = {}

    def look():
        while True:
            time.sleep(0.1)
            for name in [name for name, at in seen.items() if time.monotonic() - at > limit]:
                print("down", name, flush=True)
                del seen[name]

    threading.Thread(target=look, daemon=True).start()
    while True:
        beat = re.fullmatch(r"beat (\S+) (\d+)", sock.recv(65536).decode())
        if beat and beat[1] not in seen:
            print("up", beat[1], flush=True)
        if beat:
            seen[beat[1]] = time.monotonic()


def ends_at_once():
    """As one that does not find its port."""
    sys.exit("no port")


globals()[sys.argv[1]]()
