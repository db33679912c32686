"""Enough Rust to read the book: each piece has its twin in enough.rs, and both print the same."""

import io
import socket
import threading


# ANCHOR: result
def port(text):
    number = int(text.strip())  # what int raises goes on to the caller
    if not 0 <= number < 65536:
        raise ValueError("a port has 16 bits")
    return number
# ANCHOR_END: result


# ANCHOR: match
def described(text):
    try:
        number = port(text)
    except ValueError:
        return f"{text}: not a port"
    if number == 0:
        return "any port"
    if number < 1024:
        return f"{number}: needs a privilege"
    return f"{number}: for anybody"
# ANCHOR_END: match


# ANCHOR: option
def next_word(words):
    if not words:
        return None
    word = words.pop()
    return word.upper()


def greet(name):
    if name is not None:
        return f"hello, {name}"
    return "hello, whoever you are"
# ANCHOR_END: option


# ANCHOR: loop
def count_bytes(file):
    buffer = bytearray(4)
    total = 0
    try:
        while True:
            count = file.readinto(buffer)
            if count == 0:
                return total
            total += count
    finally:
        print("the input is over")
# ANCHOR_END: loop


# ANCHOR: struct
class Client:
    def __init__(self, name):
        self.name = name
        self.received = 0

    def receive(self, data):
        self.received += len(data)

    def summary(self):
        return f"{self.name} has {self.received} bytes"
# ANCHOR_END: struct


# ANCHOR: enum
def told(happening):
    match happening:
        case ("typed", line) if not line:
            return "an empty line"
        case ("typed", line):
            return f"typed: {line}"
        case ("silence", seconds):
            return f"nothing for {seconds} s"
        case ("gone",):
            return "gone"
# ANCHOR_END: enum


# ANCHOR: closure
def count_if(words, wanted):
    count = 0
    for word in words:
        if wanted(word):
            count += 1
    return count


def long_words(words, limit):
    return count_if(words, lambda word: len(word) > limit)
# ANCHOR_END: closure


# ANCHOR: thread
def two_threads():
    room = []
    lock = threading.Lock()

    def enter():
        with lock:
            room.append("mei")

    other = threading.Thread(target=enter)
    other.start()
    with lock:
        room.append("lin")
    other.join()
    with lock:
        return len(room)
# ANCHOR_END: thread


# ANCHOR: drop
def listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        return address[1] > 0
# ANCHOR_END: drop


# ANCHOR: bytes
def take_line(pending):
    newline = pending.find(b"\n")
    if newline < 0:
        return None
    line = bytes(pending[:newline + 1])
    del pending[:newline + 1]
    return line
# ANCHOR_END: bytes


# ANCHOR: iterator
class Lines:
    def __init__(self, pending=b""):
        self.pending = bytearray(pending)
        self.taken = 0

    def __iter__(self):
        return self

    def __next__(self):
        line = take_line(self.pending)
        if line is None:
            raise StopIteration
        self.taken += 1
        return line
# ANCHOR_END: iterator


# ANCHOR: iterate
def read_lines(data):
    lines = Lines(pending=data)
    lengths = []
    for line in lines:
        lengths.append(len(line))
    return lengths, lines.taken


def all_ports(texts):
    return [port(text) for text in texts]
# ANCHOR_END: iterate


def main():
    for text in ["0", " 22", "8888", "eight"]:
        print(described(text))
    words = ["last", "first"]
    while (word := next_word(words)) is not None:
        print(word)
    print(f"{greet('mei')}, {greet(None)}")
    print(count_bytes(io.BytesIO(b"hello, world")), "bytes")
    client = Client("lin")
    client.receive(b"hello")
    print(client.summary())
    for happening in [("typed", ""), ("typed", "hello"), ("silence", 5), ("gone",)]:
        print(told(happening))
    print(long_words(["a", "socket", "is", "not", "magic"], 3), "long words")
    print(two_threads(), "names, from two threads")
    print("listens:", "yes" if listens() else "no")
    lengths, taken = read_lines(b"one\nthree\nhal")
    print(f"{taken} lines of {lengths} bytes")
    print("ports:", all_ports(["22", "8888"]))


if __name__ == "__main__":
    main()
