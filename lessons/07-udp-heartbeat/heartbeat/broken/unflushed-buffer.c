// Mistake: unflushed-buffer. It prints with printf and never flushes: on a terminal each line is seen, in a pipe none.

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define LARGEST 65536 /* no datagram is longer, so none is cut */
#define LONGEST 64    /* bytes in a name */
#define CLIENTS 4096

static struct client {
    char name[LONGEST + 1];
    unsigned long long newest;
    long long last_news; /* in milliseconds */
} clients[CLIENTS];
static int count;

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

// ANCHOR: wrong
static void hear(const char *name, unsigned long long seq)
{
    int place = 0;
    while (place < count && strcmp(clients[place].name, name) != 0)
        place++;
    struct client *client = &clients[place];
    if (place == count) {
        if (count == CLIENTS)
            return;
        count++;
        strcpy(client->name, name);
        printf("up %s\n", name);
    } else if (seq <= client->newest) {
        return; /* late, or doubled: no news */
    } else if (seq > client->newest + 1) {
        printf("lost %s %llu\n", name, seq - client->newest - 1);
    }
    client->newest = seq;
    client->last_news = now();
}
// ANCHOR_END: wrong

/* The name and the number, if it is a beat to its last byte. */
static int parse(char *text, size_t size, char **name, unsigned long long *seq)
{
    if (strlen(text) != size || strncmp(text, "beat ", 5) != 0)
        return 0;
    *name = text + 5;
    char *space = strchr(*name, ' ');
    if (!space || space == *name || space - *name > LONGEST || !isdigit((unsigned char)space[1]))
        return 0;
    *space = '\0';
    char *end;
    errno = 0;
    *seq = strtoull(space + 1, &end, 10);
    return *end == '\0' && errno == 0;
}

static void take_silent(long long limit)
{
    for (int place = 0; place < count; place++) {
        if (clients[place].last_news + limit <= now()) {
            printf("down %s\n", clients[place].name);
            clients[place--] = clients[--count];
        }
    }
}

/* Milliseconds until the next is due; -1 when nobody is up. */
static int left(long long limit)
{
    long long least = -1;
    for (int place = 0; place < count; place++) {
        long long due = clients[place].last_news + limit - now();
        due = due < 0 ? 0 : due;
        least = least < 0 || due < least ? due : least;
    }
    return (int)least;
}

int main(void)
{
    long long limit = 3 * atoll(getenv("SOCKLAB_INTERVAL_MS"));
    struct sockaddr_in here = {.sin_family = AF_INET};
    here.sin_addr.s_addr = inet_addr(getenv("SOCKLAB_HOST"));
    here.sin_port = htons(atoi(getenv("SOCKLAB_PORT")));
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock < 0 || bind(sock, (struct sockaddr *)&here, sizeof here) < 0) {
        perror("socket, bind");
        return 1;
    }
    for (;;) {
        static char text[LARGEST + 1];
        struct pollfd watched = {.fd = sock, .events = POLLIN};
        if (poll(&watched, 1, left(limit)) > 0) {
            ssize_t size = recv(sock, text, LARGEST, 0);
            char *name;
            unsigned long long seq;
            text[size < 0 ? 0 : size] = '\0';
            if (size > 0 && parse(text, size, &name, &seq))
                hear(name, seq);
        }
        take_silent(limit);
    }
}
