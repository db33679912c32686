// The mistake short-send: it calls write once for all of its input, on a socket that does not wait, and does not ask how
// much of it was taken.
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
    perror(what);
    return EXIT_FAILURE;
}

static int connected(void)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *address;
    if (getaddrinfo(getenv("SOCKLAB_HOST"), getenv("SOCKLAB_PORT"), &hints, &address) != 0)
        return -1;
    int server = socket(address->ai_family, SOCK_STREAM, 0);
    int outcome = connect(server, address->ai_addr, address->ai_addrlen);
    freeaddrinfo(address);
    return outcome == 0 ? server : -1;
}

static char *all_input(size_t *length)
{
    size_t room = 1 << 16;
    char *text = malloc(room);
    for (size_t count; text && (count = fread(text + *length, 1, room - *length, stdin)) > 0;)
        if ((*length += count) == room)
            text = realloc(text, room *= 2);
    return text;
}

int main(void)
{
    size_t length = 0;
    char *text = all_input(&length);
    int server = connected();
    if (!text || server < 0)
        return fail("connect");
    fcntl(server, F_SETFL, O_NONBLOCK);
    if (write(server, text, length) < 0) // how much was taken, nobody asks
        return fail("write");
    shutdown(server, SHUT_WR);
    static char answer[1 << 16];
    struct pollfd ready = { .fd = server, .events = POLLIN };
    ssize_t count = 0;
    while (poll(&ready, 1, -1) > 0 && (count = read(server, answer, sizeof answer)) > 0)
        fwrite(answer, 1, count, stdout);
    return count < 0 ? fail("read") : EXIT_SUCCESS;
}
