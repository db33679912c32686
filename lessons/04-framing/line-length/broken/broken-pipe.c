/* Mistake: broken-pipe. Does nothing about SIGPIPE: one client that leaves before its answers are sent ends the server. */

#include <netdb.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define LIMIT (1024 * 1024) /* bytes in one line, its newline not counted */

struct client {
    int connection;
    size_t length; /* of the line, as far as it has come */
    char line[LIMIT + 1];
};

static int listen_as_told(void)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *address;
    int error = getaddrinfo(getenv("SOCKLAB_HOST"), getenv("SOCKLAB_PORT"), &hints, &address);
    if (error != 0) {
        fprintf(stderr, "getaddrinfo: %s\n", gai_strerror(error));
        exit(1);
    }
    int listener = socket(address->ai_family, address->ai_socktype, 0);
    int on = 1;
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
        || bind(listener, address->ai_addr, address->ai_addrlen) < 0 || listen(listener, 1024) < 0) {
        perror("listen");
        exit(1);
    }
    freeaddrinfo(address);
    return listener;
}

// ANCHOR: wrong
static int send_all(int connection, const char *from, size_t count)
{
    while (count > 0) {
        // To a connection that the peer has reset: SIGPIPE, and that ends the process before send can return EPIPE.
        ssize_t sent = send(connection, from, count, 0);
        if (sent < 0)
            return -1;
        from += sent;
        count -= (size_t)sent;
    }
    return 0;
}
// ANCHOR_END: wrong

static int answer(struct client *client)
{
    size_t length = client->length, characters = 0;
    if (length > 0 && client->line[length - 1] == '\r')
        length--;
    for (size_t i = 0; i < length; i++)
        characters += ((unsigned char)client->line[i] & 0xC0) != 0x80; /* the first byte of a character */
    char text[32];
    return send_all(client->connection, text, (size_t)snprintf(text, sizeof text, "%zu\n", characters));
}

/* 0, or -1 when the connection is to end. */
static int take(struct client *client, char byte)
{
    if (byte == '\n') {
        int sent = answer(client);
        client->length = 0;
        return sent;
    }
    client->line[client->length++] = byte;
    return client->length > LIMIT ? -1 : 0;
}

/* Ends the connection so that the answers arrive: closing with bytes unread would reset it. */
static void hang_up(int connection)
{
    struct timeval second = {.tv_sec = 1};
    char buffer[65536];
    shutdown(connection, SHUT_WR);
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    for (int reads = 0; reads < 1000 && recv(connection, buffer, sizeof buffer, 0) > 0; reads++)
        ;
}

static void *serve(void *argument)
{
    struct client *client = argument;
    char buffer[65536];
    ssize_t count;
    int over = 0;
    while (!over && (count = recv(client->connection, buffer, sizeof buffer, 0)) > 0)
        for (ssize_t i = 0; i < count && !over; i++)
            over = take(client, buffer[i]) < 0;
    if (over)
        hang_up(client->connection);
    close(client->connection);
    free(client);
    return NULL;
}

int main(void)
{
    int listener = listen_as_told();
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        struct client *client = malloc(sizeof *client);
        if (connection < 0 || client == NULL) {
            perror("accept");
            return 1;
        }
        client->connection = connection;
        client->length = 0;
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, client) != 0) {
            perror("pthread_create");
            return 1;
        }
        pthread_detach(thread);
    }
}
