"""Sending under a lock: three clients are in the room, one of them does not read, and soon nobody gets anything."""

import socket
import threading

listener = socket.create_server(("127.0.0.1", 0))
lock = threading.Lock()
in_the_room = []
ends = {}
for name in ["lin", "slow", "mei"]:
    ends[name] = socket.create_connection(listener.getsockname())
    in_the_room.append(listener.accept()[0])
listener.close()


# ANCHOR: wrong
def broadcast(line):
    with lock:
        for connection in in_the_room:
            connection.sendall(line)
# ANCHOR_END: wrong


def read_all(connection):
    while connection.recv(65536):
        pass


def talk():
    try:
        while True:
            broadcast(b"x" * 999 + b"\n")
    except OSError:
        pass  # the end of this program


for name in ["lin", "mei"]:
    threading.Thread(target=read_all, args=[ends[name]], daemon=True).start()
threading.Thread(target=talk, daemon=True).start()

# Somebody else wants to come in, and needs the lock for it. While the room is well, it is free within milliseconds.
waits = 0
while waits < 3:
    if lock.acquire(timeout=1.0):
        lock.release()
    else:
        waits += 1
        print(f"a newcomer has waited {waits} s for the lock")
print("slow reads again")
threading.Thread(target=read_all, args=[ends["slow"]], daemon=True).start()
print("the newcomer has the lock:", lock.acquire(timeout=10.0))
