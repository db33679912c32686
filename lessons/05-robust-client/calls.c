/* A client that copes, by its calls. Its peer, another process, comes late, and then reads slowly. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT = 5000, TRIES = 3, DELAY = 200, SIZE = 256 * 1024 }; /* milliseconds, tries, bytes */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

// ANCHOR: wait
/* Waits until fd is ready, but no longer than the limit: 0, or an errno. */
static int wait_for(int fd, short event)
{
    struct pollfd asked = { .fd = fd, .events = event };
    int found;
    do
        found = poll(&asked, 1, LIMIT);
    while (found < 0 && errno == EINTR); /* a signal came: the wait begins anew */
    return found > 0 ? 0 : found == 0 ? ETIMEDOUT : errno;
}
// ANCHOR_END: wait

// ANCHOR: open
/* A connection to one address, or -1 and errno. */
static int open_connection(const struct addrinfo *to)
{
    int fd = socket(to->ai_family, to->ai_socktype, to->ai_protocol);
    if (fd < 0)
        return -1;
    int error = fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? errno : 0;
    if (!error && connect(fd, to->ai_addr, to->ai_addrlen) < 0)
        error = errno;
    if (error == EINPROGRESS && !(error = wait_for(fd, POLLOUT))) {
        socklen_t length = sizeof error;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
            error = errno;
    }
    if (!error)
        return fd;
    close(fd); /* the next try gets a socket of its own */
    errno = error;
    return -1;
}
// ANCHOR_END: open

// ANCHOR: retry
static int connect_to(const char *host, const char *port, void (*between_tries)(int), int cue)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *found;
    for (int this = 1; this <= TRIES; this++) {
        int error = getaddrinfo(host, port, &hints, &found);
        if (error) { /* not a name: this ends it all */
            fprintf(stderr, "%s: %s\n", host, gai_strerror(error));
            exit(1);
        }
        int fd = -1;
        for (struct addrinfo *to = found; to && fd < 0; to = to->ai_next) {
            fd = open_connection(to);
            printf("try %d of %d: %s\n", this, TRIES, fd < 0 ? strerror(errno) : "connected");
        }
        freeaddrinfo(found);
        if (fd >= 0)
            return fd;
        if (this < TRIES) {
            between_tries(cue);
            nanosleep(&(struct timespec){ .tv_nsec = DELAY * 1000000L }, NULL);
        }
    }
    fprintf(stderr, "no connection\n");
    exit(1);
}
// ANCHOR_END: retry

// ANCHOR: send
static void send_all(int fd, const char *data, size_t size, int cue)
{
    size_t sent = 0;
    int partial = 0, full = 0;
    while (sent < size) {
        ssize_t taken = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
        if (taken >= 0) {
            partial += (size_t)taken < size - sent;
            sent += taken;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) { /* the send buffer is full */
            if (full++ == 0 && write(cue, "r", 1) != 1)
                die("write");
            if ((errno = wait_for(fd, POLLOUT)))
                die("send");
        } else if (errno != EINTR)
            die("send");
    }
    printf("sent %zu bytes; in part: %s, buffer full: %s\n", sent, partial ? "yes" : "no", full ? "yes" : "no");
}
// ANCHOR_END: send

// ANCHOR: receive
/* Receives until a newline or the end of file: how much it was. */
static size_t receive_line(int fd, char *buffer, size_t size)
{
    size_t received = 0;
    while (received < size && !memchr(buffer, '\n', received)) {
        if ((errno = wait_for(fd, POLLIN)))
            die("receive");
        ssize_t count = recv(fd, buffer + received, size - received, 0);
        if (count == 0) /* end of file is not a time-out, and not an error */
            break;
        if (count > 0)
            received += count;
        else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
            die("recv");
    }
    return received;
}
// ANCHOR_END: receive

static void peer(int listener, int cue)
{
    char buffer[4096];
    if (read(cue, buffer, 1) != 1 || listen(listener, 8) < 0 || write(cue, "l", 1) != 1)
        die("peer: listen");
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 || read(cue, buffer, 1) != 1)
        die("peer: accept");
    size_t count = 0;
    for (ssize_t piece; count < SIZE && (piece = recv(fd, buffer, sizeof buffer, 0)) > 0;)
        count += piece;
    int length = snprintf(buffer, sizeof buffer, "%zu bytes read\n", count);
    if (send(fd, buffer, length, MSG_NOSIGNAL) != length || recv(fd, buffer, 1, 0) != 0)
        die("peer: answer");
    exit(0);
}

static void let_it_listen(int cue)
{
    char answer;
    if (write(cue, "l", 1) != 1 || read(cue, &answer, 1) != 1)
        die("cue");
}

int main(void)
{
    static char message[SIZE];
    struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof own;
    int small = 8192, cue[2], listener = socket(AF_INET, SOCK_STREAM, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) < 0
        || bind(listener, (struct sockaddr *)&own, length) < 0
        || getsockname(listener, (struct sockaddr *)&own, &length) < 0
        || socketpair(AF_UNIX, SOCK_STREAM, 0, cue) < 0)
        die("listener");
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0) {
        close(cue[0]);
        peer(listener, cue[1]);
    }
    close(listener);
    char port[8], answer[80], rest[80];
    snprintf(port, sizeof port, "%d", ntohs(own.sin_port));
    int fd = connect_to("127.0.0.1", port, let_it_listen, cue[0]);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) < 0)
        die("setsockopt");
    memset(message, 'x', SIZE - 1);
    message[SIZE - 1] = '\n';
    send_all(fd, message, SIZE, cue[0]);
    size_t count = receive_line(fd, answer, sizeof answer);
    printf("answer: %.*s", (int)count, answer);
    // ANCHOR: close
    shutdown(fd, SHUT_WR); /* no more from us */
    while (receive_line(fd, rest, sizeof rest) > 0) /* what the peer still sends, up to its end of file */
        ;
    close(fd);
    // ANCHOR_END: close
    printf("closed in order\n");
    waitpid(child, NULL, 0);
}
