"""An echo server with a peculiarity: odd_server.py PECULIARITY [MARK]. The mark is for who looks for what is left of it."""

import os
import signal
import socket
import sys
import threading
import time

HOST, PORT = os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])


def serve(host=HOST, port=PORT):
    accept(socket.create_server((host, port)))


def accept(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=echo, args=(connection,), daemon=True).start()


def echo(connection):
    try:
        while data := connection.recv(65536):
            connection.sendall(data)
    except OSError:
        pass
    connection.close()


def leaves():
    """Two forks and a session of its own: it is nobody's child any more."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    serve()


def forgets():
    """The same, and what goes on has an empty environment."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", *sys.argv[2:]], {})


def flees():
    """It starts another, which goes on, and ends: again and again, for half a minute at most."""
    end = time.monotonic() + 30
    while time.monotonic() < end and not os.fork():
        os.setsid()
    os._exit(0)


def stubborn():
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    serve()


def chatty():
    def chat():
        for _ in range(64):
            os.write(1, b"o" * (1 << 18))
            os.write(2, b"e" * (1 << 18))

    threading.Thread(target=chat, daemon=True).start()
    serve()


def mute():
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    serve()


def mapped():
    """An IPv6 socket at an IPv4 address, as Java has it."""
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::ffff:" + HOST, PORT))
    listener.listen()
    accept(listener)


def everywhere():
    serve(host="0.0.0.0")


def other_port():
    serve(port=0)


def by_a_daemon():
    """What starts it leaves a process that listens for its own sake, long before the server does."""
    listener = socket.create_server(("", 0))
    if not os.fork():
        time.sleep(600)
    listener.close()
    time.sleep(1)
    serve()


def never():
    time.sleep(600)


def ends():
    sys.exit(0)


def fails():
    sys.exit("no such thing")


def screams():
    """Nine megabytes on standard error, then a line that is long and moves the cursor."""
    for _ in range(9):
        os.write(2, b"early\n" * (1 << 20 >> 2))
    os.write(2, b"\x1b[2J\xff]]>::error::" + b"x" * 100000 + b"\n")
    sys.exit(1)


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def stopped():
    os.kill(os.getpid(), signal.SIGSTOP)


def dies():
    """Ends with its first client."""
    socket.create_server((HOST, PORT)).accept()[0].recv(1)
    os._exit(7)


def many():
    """A small fork bomb: 256 processes."""
    for _ in range(8):
        os.fork()
    time.sleep(600)


def hungry():
    eaten = []
    while True:
        eaten.append(b"x" * (8 << 20))


def shares():
    """Nine processes with the same fifty megabytes."""
    shared = b"x" * (50 << 20)
    for _ in range(8):
        if not os.fork():
            time.sleep(600)
    serve()
    del shared


def spins():
    while True:
        pass


def writes():
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    with open(os.path.join(sys.argv[3], "huge"), "wb", buffering=0) as file:
        while True:
            file.write(b"x" * (1 << 18))


globals()[sys.argv[1]]()
