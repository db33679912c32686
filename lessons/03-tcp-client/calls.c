/* The calls of a TCP client, in C. Both ends are here: a small chat server runs on a thread. */

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT = 5 }; /* seconds: for the connection, and for each answer */

static void die(const char *call) { perror(call); exit(1); }

// ANCHOR: addresses
static void print_address(const struct addrinfo *entry, const char *news) {
    char text[NI_MAXHOST];
    getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST);
    printf("%s: %s\n", text, news);
}

/* A connection to the first address of `host` that takes one. NULL stands for this machine. */
static int connect_to(const char *host, const char *port) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list;
    int error = getaddrinfo(host, port, &hints, &list);
    if (error != 0) { fprintf(stderr, "getaddrinfo: %s\n", gai_strerror(error)); exit(1); }
    int fd = -1;
    for (struct addrinfo *entry = list; entry && fd < 0; entry = entry->ai_next) {
        fd = socket(entry->ai_family, entry->ai_socktype, entry->ai_protocol);
        if (fd < 0) { print_address(entry, strerror(errno)); continue; }
        struct timeval limit = {.tv_sec = LIMIT}; /* on Linux connect keeps to it too */
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0) die("setsockopt");
        if (connect(fd, entry->ai_addr, entry->ai_addrlen) == 0) { print_address(entry, "connected"); break; }
        print_address(entry, strerror(errno));
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd < 0) { fprintf(stderr, "no address left\n"); exit(1); }
    return fd;
}
// ANCHOR_END: addresses

/* One send may take less than all: send again from where it stopped. */
static void send_all(int fd, const char *text) {
    for (size_t left = strlen(text); left > 0;) {
        ssize_t sent = send(fd, text, left, MSG_NOSIGNAL);
        if (sent < 0) die("send");
        text += sent;
        left -= (size_t)sent;
    }
}

/* Calls `take` for each line that comes on `fd`, however the bytes are cut, until the end of file. */
static void each_line(int fd, void (*take)(int fd, const char *line)) {
    char buffer[4096];
    size_t held = 0;
    for (ssize_t count; (count = recv(fd, buffer + held, sizeof buffer - held, 0)) != 0;) {
        if (count < 0) die("recv");
        held += (size_t)count;
        for (char *end; (end = memchr(buffer, '\n', held));) {
            *end = '\0';
            take(fd, buffer);
            held -= (size_t)(end + 1 - buffer);
            memmove(buffer, end + 1, held);
        }
        if (held == sizeof buffer) { fprintf(stderr, "the line is too long\n"); exit(1); }
    }
}

// ANCHOR: receive
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static int answers; /* to the login, and to the logout */

static void take_answer(int fd, const char *line) {
    (void)fd;
    printf("received %s\n", line);
    if (!strstr(line, "_response\"")) return; /* the chat of somebody else: no answer */
    pthread_mutex_lock(&lock);
    answers++;
    pthread_cond_signal(&news);
    pthread_mutex_unlock(&lock);
}

/* On a thread of its own: what comes is told to the thread that waits. */
static void *receive(void *fd) { each_line(*(int *)fd, take_answer); return NULL; }
// ANCHOR_END: receive

// ANCHOR: converse
static void wait_for_answer(int which) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LIMIT;
    pthread_mutex_lock(&lock);
    while (answers < which)
        if (pthread_cond_timedwait(&news, &lock, &until) != 0) { fprintf(stderr, "no answer\n"); exit(1); }
    pthread_mutex_unlock(&lock);
}

static void converse(int fd) {
    send_all(fd, "{\"type\": \"login\", \"username\": \"mei\", \"password\": \"secret\"}\n");
    wait_for_answer(1);
    send_all(fd, "{\"type\": \"chat\", \"content\": \"hello\"}\n"); /* no answer to a chat */
    send_all(fd, "{\"type\": \"logout\"}\n");
    wait_for_answer(2);
}
// ANCHOR_END: converse

/* The other end, for one client. */
static void answer(int fd, const char *line) {
    if (strstr(line, "\"login\"")) {
        send_all(fd, "{\"type\": \"chat_message\", \"username\": \"lin\", \"content\": \"who comes?\"}\n");
        send_all(fd, "{\"type\": \"login_response\", \"success\": true}\n");
    }
    if (strstr(line, "\"logout\"")) send_all(fd, "{\"type\": \"logout_response\", \"success\": true}\n");
}

static void *serve(void *listener) {
    int conn = accept(*(int *)listener, NULL, NULL);
    if (conn < 0) die("accept");
    each_line(conn, answer);
    close(conn);
    return NULL;
}

int main(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0)
        die("server");
    if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) die("getsockname");
    pthread_t server, receiver;
    pthread_create(&server, NULL, serve, &listener);

    char port[6];
    snprintf(port, sizeof port, "%d", ntohs(address.sin_port));
    int fd = connect_to(NULL, port);
    pthread_create(&receiver, NULL, receive, &fd);
    converse(fd);
    // ANCHOR: close
    if (shutdown(fd, SHUT_WR) < 0) die("shutdown"); /* no more from us; the receiver goes on to the server's end of file */
    pthread_join(receiver, NULL);
    close(fd);
    printf("closed\n");
    // ANCHOR_END: close
    pthread_join(server, NULL);
    close(listener);
}
