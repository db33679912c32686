"""A chat client: logs in, sends what it reads on its input, prints what the others say, logs out."""

import json
import os
import socket
import sys

LIMIT = 10.0  # seconds: for the connection, and for each answer


def main():
    # create_connection asks getaddrinfo, and tries one address after the other.
    address = os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])
    with socket.create_connection(address, timeout=LIMIT) as sock:
        messages = receive_messages(sock)
        log_in(sock, messages)
        # Your turn: from now on a line may come on the input, and a message from the server, in any order, and both
        # at any time. After the input: the logout, and its answer. How long may nobody say anything?
        sys.exit("logged in; the rest is not written yet")


def log_in(sock, messages):
    user, password = os.environ["SOCKLAB_USER"], os.environ["SOCKLAB_PASSWORD"]
    send(sock, {"type": "login", "username": user, "password": password})
    for message in messages:
        if message.get("type") == "login_response" and message.get("success") is True:
            return
        if message.get("type") in ("login_response", "error"):
            sys.exit(f"not let in: {message.get('message')}")
        show(message)
    sys.exit("the server closed the connection instead of answering the login")


def send(sock, message):
    """One message, one line. sendall goes on until the kernel has taken every byte, and holds none back."""
    line = json.dumps(message, ensure_ascii=False) + "\n"
    sock.sendall(line.encode(errors="replace"))


def receive_messages(sock):
    """Each message of the server, until its end of file."""
    received = b""
    while data := sock.recv(4096):
        received += data
        # This finds a message that comes alone, in however many pieces. Your turn: find where the first one ends when
        # two have come, or one and a half, and keep the rest.
        try:
            message = json.loads(received.decode())
        except ValueError:
            continue
        received = b""
        yield message


def show(message):
    # Your turn: a chat_message goes to the standard output, as `name: text`, so that it is seen at once.
    print(f"server: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    try:
        main()
    except OSError as error:
        sys.exit(f"cannot talk to the server: {error}")
