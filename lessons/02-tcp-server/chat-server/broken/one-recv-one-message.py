# Mistake: one-recv-one-message. What one recv returns is taken for one message: right on a quiet day.
"""A Chat-Room server: for each client one thread that reads and one that writes, and nobody waits for another's socket."""

import json
import os
import socket
import threading
import time
from collections import deque

LONGEST_MESSAGE = 64 * 1024  # bytes, without its newline
LONGEST_NAME = 64  # characters
MOST_WAITING = 4 * 1024 * 1024  # bytes that may wait for one client
GRACE = 2.0  # seconds that a client has to go


class Malformed(Exception):
    """What a client sent is not a request; in words for the client."""


class Outbox:
    """The lines that wait to be sent to one client. Putting one in never waits; only the client's writer does."""

    def __init__(self):
        self.lines = deque()
        self.waiting = 0
        self.closed = False
        self.changed = threading.Condition()

    def put(self, line):
        """Says whether there was room. A closed outbox drops the line: its client is on the way out."""
        with self.changed:
            if self.closed:
                return True
            if self.waiting + len(line) > MOST_WAITING:
                return False
            self.lines.append(line)
            self.waiting += len(line)
            self.changed.notify()
            return True

    def next(self):
        """Waits for a line; None when the outbox is closed and empty."""
        with self.changed:
            self.changed.wait_for(lambda: self.lines or self.closed)
            if not self.lines:
                return None
            line = self.lines.popleft()
            self.waiting -= len(line)
            return line

    def close(self):
        with self.changed:
            self.closed = True
            self.changed.notify()


class Room:
    """Every client, with the name it logged in under. Nothing slow is done under the lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.names = {}

    def enter(self, client):
        with self.lock:
            self.names[client] = None

    def claim(self, client, name):
        """Says whether the name was free."""
        with self.lock:
            if name in self.names.values():
                return False
            self.names[client] = name
            return True

    def leave(self, client):
        with self.lock:
            self.names.pop(client, None)

    def tell_others(self, sender, reply):
        line = encode(reply)
        with self.lock:
            for client in self.names:
                if client is not sender:
                    client.put(line)


class Client:
    """One connection, from accept to close."""

    def __init__(self, connection, address, room):
        self.connection = connection
        self.user_id = f"{address[0]}:{address[1]}:{int(time.time())}"
        self.room = room
        self.outbox = Outbox()
        self.name = None  # until login

    def serve(self):
        with self.connection:
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            writer = threading.Thread(target=self.write, daemon=True)
            writer.start()
            self.room.enter(self)
            try:
                self.read_messages()
            except OSError:
                pass  # reset by the client: it has gone, like any other
            finally:
                self.room.leave(self)
                self.outbox.close()
            self.let_go(writer)

    # ANCHOR: wrong
    def read_messages(self):
        """Returns at the client's end of file, or when it should go."""
        while message := self.connection.recv(2 * LONGEST_MESSAGE):
            if len(message) > LONGEST_MESSAGE + 1:
                return self.complain(f"a message has at most {LONGEST_MESSAGE} bytes")
            if message.strip() and not self.handle(message):
                return
    # ANCHOR_END: wrong

    def handle(self, line):
        """Says whether the client stays."""
        try:
            message = parse(line)
            kind = text(message, "type")
            if kind == "login":
                self.log_in(text(message, "username"), text(message, "password"))
            elif kind == "chat":
                self.chat(message)
            elif kind == "logout":
                self.log_out()
                return False
            else:
                self.complain(f"unknown type: {kind}")
        except Malformed as problem:
            self.complain(str(problem))
        return True

    def log_in(self, name, password):
        if self.name is not None:
            self.complain(f"already logged in as {self.name}")
        elif not name or not password:
            self.refuse("username and password must not be empty")
        elif len(name) > LONGEST_NAME:
            self.refuse(f"a name has at most {LONGEST_NAME} characters")
        elif not self.room.claim(self, name):
            self.refuse(f"somebody named {name} is here already")
        else:
            self.name = name
            self.tell({"type": "login_response", "success": True, "message": f"welcome {name}!", "user_id": self.user_id})

    def refuse(self, why):
        self.tell({"type": "login_response", "success": False, "message": why})

    def chat(self, message):
        content = text(message, "content")
        if self.name is None:
            self.complain("log in before you chat")
        elif not content:
            self.complain("there is no content")
        else:
            # The name that this connection logged in with. What the message says about it is not even read.
            chat = {"type": "chat_message", "username": self.name, "content": content, "timestamp": time.time()}
            self.room.tell_others(self, chat)

    def log_out(self):
        # Whoever has read the answer may log in under this name again: leave first.
        self.room.leave(self)
        self.tell({"type": "logout_response", "success": True, "message": "goodbye!"})

    def complain(self, problem):
        self.tell({"type": "error", "message": problem})

    def tell(self, reply):
        self.put(encode(reply))

    def put(self, line):
        """Never waits. A client that leaves too much unread is cut off: its two threads wake up and end."""
        if not self.outbox.put(line):
            self.cut()

    def write(self):
        """The writer's thread: it alone waits when the client does not read."""
        try:
            while (line := self.outbox.next()) is not None:
                self.connection.sendall(line)
            self.connection.shutdown(socket.SHUT_WR)
        except OSError:
            self.outbox.close()  # nobody is there to be told anything

    def let_go(self, writer):
        """Lets the last words out, then reads on: closing with bytes unread would reset the connection and lose them."""
        writer.join(GRACE)
        if writer.is_alive():
            self.cut()
            writer.join()
            return
        deadline = time.monotonic() + GRACE
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.connection.settimeout(left)
                if not self.connection.recv(65536):
                    return
        except OSError:
            pass  # it took too long, or is gone already

    def cut(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # gone already


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
            try:
                connection, peer = listener.accept()
            except OSError:
                time.sleep(0.1)  # out of descriptors, perhaps: somebody may go
                continue
            try:
                threading.Thread(target=Client(connection, peer, room).serve, daemon=True).start()
            except RuntimeError:
                connection.close()  # no more threads are to be had


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
