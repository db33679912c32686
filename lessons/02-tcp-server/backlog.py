"""The accept queue: how many connections the kernel completes for a server that does not accept."""

import socket

BACKLOG = 5
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.bind(("127.0.0.1", 0))
listener.listen(BACKLOG)


def try_to_connect():
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(0.5)
    try:
        client.connect(listener.getsockname())
    except TimeoutError:
        client.close()
        return None
    return client


clients = [try_to_connect() for _ in range(8)]
print(f"listen({BACKLOG}), nobody accepts, 8 clients try for 0.5 s each:")
print("  ", " ".join("connected" if client else "timed-out" for client in clients))

listener.accept()
print("one is accepted; the next client:", "connected" if try_to_connect() else "timed-out")
