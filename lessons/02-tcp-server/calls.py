"""The five steps of a TCP server, a thread for each client, and stopping in order: the calls of `socklab tcp-server`.

Both ends are in this one program. The clients connect before the server has called accept even once.
"""

import socket
import threading


# ANCHOR: open
def open_listener():
    """Steps 1 to 4: a socket that listens on a port which the kernel picks."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    return listener
# ANCHOR_END: open


# ANCHOR: serve
def serve(listener):
    """Step 5, in a loop: accept a client, and give it a thread. Returns when the listener is shut down."""
    threads = []
    while True:
        try:
            connection, address = listener.accept()
        except OSError as error:
            print(f"accept ends: {error.strerror}")
            break
        thread = threading.Thread(target=serve_client, args=(connection, len(threads) + 1))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
# ANCHOR_END: serve


# ANCHOR: client
def serve_client(connection, number):
    """Answers each line, up to the client's end of file. `with` closes the connection however this ends."""
    with connection, connection.makefile("rb") as lines:
        for line in lines:
            connection.sendall(b"to client %d: " % number + line)
# ANCHOR_END: client


def ask(client, line):
    client.sendall(line.encode() + b"\n")
    # Up to the newline: one recv might bring less.
    answer = b""
    while not answer.endswith(b"\n"):
        piece = client.recv(4096)
        if not piece:
            raise ConnectionError("the server closed the connection")
        answer += piece
    return answer.decode().rstrip()


def main():
    listener = open_listener()
    address = listener.getsockname()
    print(f"listening on {address[0]}:{address[1]}")

    first = socket.create_connection(address)
    second = socket.create_connection(address)
    print("two clients are connected; accept has not been called")

    # ANCHOR: stop
    server = threading.Thread(target=serve, args=(listener,))
    server.start()
    print("the second speaks first:", ask(second, "hello"))
    print("then the first:", ask(first, "good morning"))

    first.close()
    second.close()
    listener.shutdown(socket.SHUT_RDWR)  # wakes accept (on Linux)
    server.join()
    listener.close()
    print("every thread has ended")
    # ANCHOR_END: stop


if __name__ == "__main__":
    main()
