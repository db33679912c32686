"""Is to be a Chat-Room server. So far it reads messages, and answers each with an error: nothing is done yet."""

import json
import os
import socket
import threading
import time


class Malformed(Exception):
    """What a client sent is not a request; in words for the client."""


class Room:
    """Every client that is here."""

    def __init__(self):
        self.lock = threading.Lock()
        self.clients = set()
        # Your turn: who has which name? Many threads will ask at the same time: that is what the lock is for.

    def enter(self, client):
        with self.lock:
            self.clients.add(client)

    def leave(self, client):
        with self.lock:
            self.clients.discard(client)

    # Your turn: tell the others what one has said. One of them may not read: nobody must wait for that one, and least
    # of all somebody who has the lock.


class Client:
    """One connection, from accept to close."""

    def __init__(self, connection, address, room):
        self.connection = connection
        self.user_id = f"{address[0]}:{address[1]}:{int(time.time())}"
        self.room = room
        self.name = None  # until login

    def serve(self):
        with self.connection:
            self.room.enter(self)
            try:
                self.read_messages()
            except OSError:
                pass  # reset by the client: it has gone, like any other
            finally:
                self.room.leave(self)
            # Your turn: the last words to this client must arrive, even if it has sent more than was read.

    def read_messages(self):
        """Returns at the client's end of file, or when it should go. A message ends at its newline, wherever recv cut."""
        with self.connection.makefile("rb") as stream:
            # Your turn: a line may be endless. More than 64 KiB is too much.
            while line := stream.readline():
                if not self.handle(line):
                    return

    def handle(self, line):
        """Says whether the client stays."""
        try:
            message = parse(line)
            kind = text(message, "type")
            # Your turn: login, chat and logout.
            self.complain(f"this server cannot do it yet: {kind}")
        except Malformed as problem:
            self.complain(str(problem))
        return True

    def complain(self, problem):
        self.tell({"type": "error", "message": problem})

    def tell(self, reply):
        # Your turn: sendall waits while this client does not read. Who waits with it?
        self.connection.sendall(encode(reply))


def parse(line):
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Malformed("that is not JSON in UTF-8") from None
    if not isinstance(message, dict):
        raise Malformed("a message is a JSON object")
    return message


def text(message, field):
    """The field's text; empty when it is not there."""
    value = message.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"field {field} is not a string")
    return value


def encode(reply):
    # JSON can spell half a surrogate pair, UTF-8 cannot: it becomes a question mark.
    return json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def main():
    address = (os.environ.get("SOCKLAB_HOST", "127.0.0.1"), int(os.environ.get("SOCKLAB_PORT", "8888")))
    room = Room()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
        while True:
            # Your turn: go on if accept fails once, or if no more threads are to be had.
            connection, peer = listener.accept()
            threading.Thread(target=Client(connection, peer, room).serve, daemon=True).start()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
