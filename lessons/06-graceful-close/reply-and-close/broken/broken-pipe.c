// The mistake broken-pipe: says nothing about SIGPIPE. One client that is gone before its reply ends the whole server.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t reply_bytes;

/* Reads up to the first newline, and whatever came with it. Says whether there was one. */
static int read_line(int client)
{
    char buffer[4096];
    ssize_t count;
    while ((count = read(client, buffer, sizeof buffer)) > 0)
        if (memchr(buffer, '\n', (size_t)count) != NULL)
            return 1;
    return 0;
}

// ANCHOR: wrong
/* To a connection that is gone, write fails, and raises SIGPIPE: nobody has said what is to happen then. */
static int send_reply(int client)
{
    static char piece[65536];
    memset(piece, 'x', sizeof piece);
    for (size_t left = reply_bytes; left > 0;) {
        ssize_t count = write(client, piece, left < sizeof piece ? left : sizeof piece);
        if (count < 0)
            return 0;
        left -= (size_t)count;
    }
    return 1;
}
// ANCHOR_END: wrong

/* Ends the sending, then reads until the client ends its own: so nothing is left unread when it closes. */
static void drain(int client)
{
    char buffer[65536];
    shutdown(client, SHUT_WR);
    while (read(client, buffer, sizeof buffer) > 0)
        ;
}

static void *serve(void *argument)
{
    int client = (int)(intptr_t)argument;
    if (read_line(client) && send_reply(client))
        drain(client);
    close(client);
    return NULL;
}

static int listen_at(const char *host, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (listener < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1
        || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
        || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 128) < 0) {
        perror("listen");
        exit(1);
    }
    return listener;
}

int main(void)
{
    const char *host = getenv("SOCKLAB_HOST"), *port = getenv("SOCKLAB_PORT"), *bytes = getenv("SOCKLAB_REPLY_BYTES");
    if (host == NULL || port == NULL || bytes == NULL) {
        fputs("SOCKLAB_HOST and SOCKLAB_PORT say where to listen, SOCKLAB_REPLY_BYTES how much to send\n", stderr);
        return 1;
    }
    reply_bytes = strtoul(bytes, NULL, 10);
    int listener = listen_at(host, port);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            perror("accept");
            usleep(100000);
            continue;
        }
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) != 0) {
            close(client);
            continue;
        }
        pthread_detach(thread);
    }
}
