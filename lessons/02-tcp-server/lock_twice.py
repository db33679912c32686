"""A lock that is not reentrant, taken twice by one thread. Only the time limit lets this program end."""

import threading


class Room:
    def __init__(self, lock):
        self.lock = lock
        self.clients = {1: "lin", 2: "mei"}

    # ANCHOR: wrong
    def remove(self, client):
        if not self.lock.acquire(timeout=1.0):
            raise TimeoutError("waited 1 s for a lock that this same thread holds")
        del self.clients[client]
        self.lock.release()

    def stop(self):
        with self.lock:
            for client in list(self.clients):
                self.remove(client)
    # ANCHOR_END: wrong


# ANCHOR: right
class StoppingRoom(Room):
    def stop(self):
        with self.lock:
            leaving = list(self.clients)
        for client in leaving:  # the lock is free again
            self.remove(client)
# ANCHOR_END: right


def try_to_stop(kind, room):
    try:
        room.stop()
        print(f"{kind}: stopped, {len(room.clients)} clients left")
    except TimeoutError as error:
        print(f"{kind}: {error}")


try_to_stop("Lock, taken twice       ", Room(threading.Lock()))
try_to_stop("RLock, taken twice      ", Room(threading.RLock()))
try_to_stop("Lock, let go in between ", StoppingRoom(threading.Lock()))
