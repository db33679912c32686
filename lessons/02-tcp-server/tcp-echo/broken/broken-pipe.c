// The mistake broken-pipe: does nothing about SIGPIPE. One client that leaves before its echo is sent kills the server.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

// ANCHOR: wrong
static void send_all(int client, const char *bytes, size_t count)
{
    while (count > 0) {
        // To a connection that the peer has reset: SIGPIPE, and that ends the process before send can return EPIPE.
        ssize_t sent = send(client, bytes, count, 0);
        if (sent < 0) {
            perror("send");
            exit(1);
        }
        bytes += sent;
        count -= (size_t)sent;
    }
}
// ANCHOR_END: wrong

static void *attend(void *argument)
{
    int client = (int)(intptr_t)argument;
    char buffer[4096];
    ssize_t count;
    while ((count = recv(client, buffer, sizeof buffer, 0)) > 0)
        send_all(client, buffer, (size_t)count);
    if (count < 0) {
        perror("recv");
        exit(1);
    }
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
    const char *host = getenv("SOCKLAB_HOST"), *port = getenv("SOCKLAB_PORT");
    if (host == NULL || port == NULL) {
        fputs("tcp-echo: SOCKLAB_HOST and SOCKLAB_PORT say where to listen\n", stderr);
        return 1;
    }
    int listener = listen_at(host, port);
    fprintf(stderr, "tcp-echo: listening on %s:%s\n", host, port);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0) {
            perror("accept");
            usleep(100000);
            continue;
        }
        pthread_t thread;
        if (pthread_create(&thread, NULL, attend, (void *)(intptr_t)client) != 0) {
            close(client);
            continue;
        }
        pthread_detach(thread);
    }
}
