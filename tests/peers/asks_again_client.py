"""A client that does as chapter 5 says: it asks again for a name of which the resolver cannot say, for now, whether it
exists (EAI_AGAIN), and gives up at once on one that does not (EAI_NONAME)."""

import os
import shutil
import socket
import sys
import time


def connect():
    for _ in range(int(os.environ["SOCKLAB_RETRIES"])):
        try:
            return socket.create_connection((os.environ["SOCKLAB_HOST"], int(os.environ["SOCKLAB_PORT"])), timeout=30)
        except socket.gaierror as error:
            if error.errno != socket.EAI_AGAIN:
                sys.exit(str(error))
        except OSError:
            pass
        time.sleep(int(os.environ["SOCKLAB_RETRY_DELAY_MS"]) / 1000)
    sys.exit("no connection")


with connect() as connection:
    connection.sendall(sys.stdin.buffer.read())
    connection.shutdown(socket.SHUT_WR)
    shutil.copyfileobj(connection.makefile("rb"), sys.stdout.buffer)
