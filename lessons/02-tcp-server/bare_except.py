"""A bare except hides every mistake, the programmer's own too."""

import socket


# ANCHOR: wrong
def tell(connection, text):
    try:
        connection.sendall(text.encode() + newline)
    except:
        pass
# ANCHOR_END: wrong


# ANCHOR: right
def tell_openly(connection, text):
    try:
        connection.sendall(text.encode() + newline)
    except OSError:
        pass  # the client has gone
# ANCHOR_END: right


here, there = socket.socketpair()
there.settimeout(1.0)

tell(here, "hello")
try:
    print("received:", there.recv(100))
except TimeoutError:
    print("a bare except: nothing was received, and nothing was said")

try:
    tell_openly(here, "hello")
except NameError as error:
    print("except OSError:", error)
