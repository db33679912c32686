# Mistake: utf8-split. It decodes the bytes of each recv by themselves: a character that was cut in half becomes two
# replacement characters.
"""A chat client: logs in, sends what it reads on its input, prints what the others say, logs out.

This thread receives. A second one reads the input and sends: so neither waits for the other, and neither needs a lock.
"""

import json
import os
import socket
import sys
import threading
import time

LIMIT = 10.0  # seconds: for the connection, and for each answer
LONGEST = 512 * 1024  # characters: a server that never closes its brace shall not fill our memory


def main():
    # create_connection asks getaddrinfo, and tries one address after the other.
    address = os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])
    with socket.create_connection(address, timeout=LIMIT) as sock:
        messages = receive_messages(sock)
        log_in(sock, messages)
        sock.settimeout(None)  # From now on it is no failure when nobody says anything.
        gave_up = threading.Event()
        threading.Thread(target=send_lines, args=(sock, gave_up), daemon=True).start()
        if not show_until_logout(messages):
            sys.exit("no answer to the logout" if gave_up.is_set() else "the server closed the connection first")


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


def send_lines(sock, gave_up):
    """Sends line after line, each when it comes; then the logout. The answer to that ends the program."""
    try:
        # A reader of its own: when the program ends while this thread waits in sys.stdin, Python complains.
        for line in open(0, "rb", closefd=False):
            text = line.removesuffix(b"\n").decode(errors="replace")
            if text:
                send(sock, {"type": "chat", "content": text})
        send(sock, {"type": "logout"})
    except OSError:
        return  # The server is gone: the thread that receives is told so too.
    time.sleep(LIMIT)
    gave_up.set()
    sock.shutdown(socket.SHUT_RDWR)  # wakes the recv


def send(sock, message):
    """One message, one line. sendall goes on until the kernel has taken every byte, and holds none back."""
    line = json.dumps(message, ensure_ascii=False) + "\n"
    sock.sendall(line.encode(errors="replace"))


def receive_messages(sock):
    """Each message of the server, until its end of file. One recv may bring half of one, or several."""
    objects = Objects()
    while data := sock.recv(4096):
        # ANCHOR: wrong
        for text in objects.cut(data.decode(errors="replace")):
            # ANCHOR_END: wrong
            try:
                yield json.loads(text)
            except (ValueError, RecursionError) as error:
                print(f"not understood: {error}", file=sys.stderr)


class Objects:
    """Cuts a stream of characters after the brace that closes each JSON object, and looks at each once."""

    def __init__(self):
        self.object = ""
        self.depth = 0
        self.in_string = self.escaped = False

    def cut(self, data):
        for character in data:
            if self.depth == 0 and character != "{":
                continue  # between objects: white space, or nothing that we know
            self.object += character
            self.step(character)
            if self.depth == 0:
                yield self.object
                self.object = ""
            elif len(self.object) > LONGEST:
                sys.exit("the server's message is too long")

    def step(self, character):
        if self.escaped:
            self.escaped = False
        elif self.in_string and character == "\\":
            self.escaped = True
        elif character == '"':
            self.in_string = not self.in_string
        elif character == "{" and not self.in_string:
            self.depth += 1
        elif character == "}" and not self.in_string:
            self.depth -= 1


def show_until_logout(messages):
    """Whether the answer to the logout came; otherwise the server went first."""
    for message in messages:
        if message.get("type") == "logout_response":
            return True
        show(message)
    return False


def show(message):
    """flush: standard output is a pipe now and then, and Python would keep kilobytes back."""
    if message.get("type") == "chat_message":
        print(f"{message.get('username')}: {message.get('content')}", flush=True)
    else:
        print(f"server: {message.get('message')}", file=sys.stderr)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    try:
        main()
    except OSError as error:
        sys.exit(f"cannot talk to the server: {error}")
