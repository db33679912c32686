"""The calls of `socklab graceful-close`, in Python: both ends of a connection in one program, closed in three ways."""

import errno
import socket
import struct


# ANCHOR: connection
def connection():
    """A listening socket, and the two ends of a connection to it."""
    listener = socket.create_server(("127.0.0.1", 0))  # sets SO_REUSEADDR, binds, listens
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    return listener, client, server
# ANCHOR_END: connection


# ANCHOR: drain
def drain(end):
    """Receives until no more comes. Returns how many bytes, and how it ended."""
    end.settimeout(10)  # seconds: no wait without a limit
    count = 0
    try:
        while data := end.recv(1024):
            count += len(data)
    except ConnectionResetError:
        return f"{count} bytes, then a reset: ECONNRESET"
    return f"{count} bytes, then the end of file"
# ANCHOR_END: drain


# ANCHOR: graceful
def graceful():
    listener, client, server = connection()
    client.sendall(b"that is all")
    client.shutdown(socket.SHUT_WR)           # FIN: I send no more
    print("  the server received", drain(server))
    server.sendall(b"I have it all. Goodbye!")
    server.close()                            # FIN: nor do I
    print("  the client received", drain(client))
    client.close()
    listener.close()
# ANCHOR_END: graceful


# ANCHOR: abrupt
def abrupt():
    listener, client, server = connection()
    client.sendall(b"that is all")
    # struct linger { int l_onoff; int l_linger; }: on, zero seconds
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()                            # RST
    print("  the server received", drain(server))
    server.close()
    listener.close()
# ANCHOR_END: abrupt


# ANCHOR: unread
def unread():
    listener, client, server = connection()
    client.sendall(b"a question that nobody reads")
    server.sendall(b"an answer")
    server.close()                            # RST: 28 bytes were not read
    print("  the client received", drain(client))
    client.close()
    listener.close()
# ANCHOR_END: unread


# ANCHOR: again
def again():
    listener, client, server = connection()
    address = listener.getsockname()
    server.close()                            # the server ends first, so TIME_WAIT is on its side
    drain(client)
    client.close()
    listener.close()
    for reuse in (0, 1):
        with socket.socket() as new:
            new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
            error = 0
            try:
                new.bind(address)
            except OSError as failure:
                error = failure.errno
            print(f"  bind with SO_REUSEADDR {reuse}:", errno.errorcode.get(error, "bound"))
# ANCHOR_END: again


for way in (graceful, abrupt, unread, again):
    print(way.__name__)
    way()
