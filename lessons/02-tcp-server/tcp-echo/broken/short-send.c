// The mistake short-send: ignores how much send took. A large message to a slow reader comes back with holes.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

// ANCHOR: wrong
/* Sends without waiting: who does not read must not hold anybody up. */
static void send_once(int client, const char *bytes, size_t count)
{
    send(client, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}
// ANCHOR_END: wrong

static void *attend(void *argument)
{
    int client = (int)(intptr_t)argument;
    char buffer[262144];
    ssize_t count;
    while ((count = recv(client, buffer, sizeof buffer, 0)) > 0)
        send_once(client, buffer, (size_t)count);
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
