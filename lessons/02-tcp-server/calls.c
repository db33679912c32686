/* The five steps of a TCP server, a thread for each client, and stopping in order: the calls of `socklab tcp-server`.
 *
 * Both ends are in this one program. The clients connect before the server has called accept even once. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_CLIENTS = 16, LONGEST = 256 };

struct client {
    int fd;
    int number;
};

/* Ends the program when a call has failed. */
static int check(const char *call, int result) {
    if (result == -1) {
        perror(call);
        exit(1);
    }
    return result;
}

static void start(pthread_t *thread, void *(*work)(void *), void *argument) {
    int error = pthread_create(thread, NULL, work, argument);
    if (error != 0) {
        fprintf(stderr, "pthread_create: %s\n", strerror(error));
        exit(1);
    }
}

// ANCHOR: open
/* Steps 1 to 4: a socket that listens on a port which the kernel picks. `address` gets what it picked. */
static int open_listener(struct sockaddr_in *address) {
    int on = 1;
    socklen_t size = sizeof *address;
    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int listener = check("socket", socket(AF_INET, SOCK_STREAM, 0));
    check("setsockopt", setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    check("bind", bind(listener, (struct sockaddr *)address, sizeof *address));
    check("listen", listen(listener, 128));
    check("getsockname", getsockname(listener, (struct sockaddr *)address, &size));
    return listener;
}
// ANCHOR_END: open

// ANCHOR: client
/* send may take fewer bytes than it is given. */
static int send_all(int fd, const char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, data, length, 0);
        if (sent == -1) return -1;
        data += sent;
        length -= (size_t)sent;
    }
    return 0;
}

/* Answers each line, up to the client's end of file; fgets finds where a line ends. */
static void *serve_client(void *argument) {
    struct client *client = argument;
    char line[LONGEST], answer[LONGEST + 32];
    FILE *lines = fdopen(client->fd, "r");
    while (lines != NULL && fgets(line, sizeof line, lines) != NULL) {
        int length = snprintf(answer, sizeof answer, "to client %d: %s", client->number, line);
        if (send_all(client->fd, answer, (size_t)length) == -1) break;
    }
    if (lines != NULL) fclose(lines); /* closes the descriptor too */
    else close(client->fd);
    return NULL;
}
// ANCHOR_END: client

// ANCHOR: serve
/* Step 5, in a loop: accept a client, and give it a thread. Returns when the listener is shut down. */
static void *serve(void *argument) {
    int listener = *(int *)argument, count = 0, fd;
    struct client clients[MOST_CLIENTS];
    pthread_t threads[MOST_CLIENTS];
    while ((fd = accept(listener, NULL, NULL)) != -1) {
        if (count == MOST_CLIENTS) {
            close(fd);
            continue;
        }
        clients[count] = (struct client){ .fd = fd, .number = count + 1 };
        start(&threads[count], serve_client, &clients[count]);
        count++;
    }
    printf("accept ends: %s\n", strerror(errno));
    while (count > 0) pthread_join(threads[--count], NULL);
    return NULL;
}
// ANCHOR_END: serve

static int connect_to(const struct sockaddr_in *address) {
    int fd = check("socket", socket(AF_INET, SOCK_STREAM, 0));
    check("connect", connect(fd, (const struct sockaddr *)address, sizeof *address));
    return fd;
}

static void ask(const char *who, int fd, const char *line) {
    char answer[LONGEST + 32];
    size_t have = 0;
    check("send", send_all(fd, line, strlen(line)));
    /* Up to the newline: one recv might bring less. */
    while (have == 0 || answer[have - 1] != '\n') {
        int count = check("recv", (int)recv(fd, answer + have, sizeof answer - have, 0));
        if (count == 0) exit(1);
        have += (size_t)count;
    }
    printf("%s: %.*s", who, (int)have, answer);
}

int main(void) {
    struct sockaddr_in address;
    pthread_t server;
    signal(SIGPIPE, SIG_IGN); /* a client that has gone is an error of send, not the end of the program */
    int listener = open_listener(&address);
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));

    int first = connect_to(&address), second = connect_to(&address);
    puts("two clients are connected; accept has not been called");

    // ANCHOR: stop
    start(&server, serve, &listener);
    ask("the second speaks first", second, "hello\n");
    ask("then the first", first, "good morning\n");

    close(first);
    close(second);
    check("shutdown", shutdown(listener, SHUT_RDWR)); /* wakes accept (on Linux) */
    pthread_join(server, NULL);
    close(listener);
    puts("every thread has ended");
    // ANCHOR_END: stop
    return 0;
}
