/* Starts a program again and again from a process that has its libraries loaded, as the fork server of a fuzzer does.
 *
 * Loaded before the program (LD_PRELOAD), this file takes the place of the C library's __libc_start_main. Standard input
 * brings requests, standard output takes answers. A request is a length (32 bits) and so many bytes of strings, each ended
 * by NUL: the folder to work in, the files for standard output and standard error, the most bytes of address space (0: no
 * limit), the most seconds (0: no limit), the number of arguments, the arguments, the variables of the environment. An
 * answer is the wait status of the child (32 bits). The server ends with its standard input.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int (*Main)(int, char **, char **);
typedef int (*Start)(Main, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

static void all(ssize_t (*transfer)(int, void *, size_t), int file, void *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t now = transfer(file, (char *)bytes + done, size - done);
        if (now <= 0)
            _exit(0);
        done += (size_t)now;
    }
}

static ssize_t take(int file, void *bytes, size_t size) { return read(file, bytes, size); }
static ssize_t give(int file, void *bytes, size_t size) { return write(file, bytes, size); }

/* Ends the child where its time is up; gives its wait status. */
static int32_t ended(pid_t child, int seconds) {
    struct pollfd watched = {.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
    if (seconds > 0 && watched.fd >= 0 && poll(&watched, 1, seconds * 1000) == 0)
        kill(child, SIGKILL);
    if (watched.fd >= 0)
        close(watched.fd);
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

static void replace(int descriptor, const char *path, int flags) {
    int file = open(path, flags, 0600);
    if (file < 0 || dup2(file, descriptor) < 0)
        _exit(126);
    close(file);
}

/* In the child: everything as the request wants it, and on into the program. */
static int begin(Start start, Main program, char **strings, size_t count, void (*rtld_fini)(void), void *stack_end) {
    replace(STDIN_FILENO, "/dev/null", O_RDONLY);
    replace(STDOUT_FILENO, strings[1], O_WRONLY | O_APPEND);
    replace(STDERR_FILENO, strings[2], O_WRONLY | O_APPEND);
    struct rlimit space = {strtoull(strings[3], NULL, 10), strtoull(strings[3], NULL, 10)};
    if (chdir(strings[0]) != 0 || (space.rlim_cur > 0 && setrlimit(RLIMIT_AS, &space) != 0))
        _exit(126);
    size_t arguments = strtoul(strings[5], NULL, 10);
    /* Arguments, NULL, environment, NULL: as the kernel lays them out. */
    char **words = calloc(count + 2, sizeof *words);
    memcpy(words, strings + 6, arguments * sizeof *words);
    memcpy(words + arguments + 1, strings + 6 + arguments, (count - 6 - arguments) * sizeof *words);
    environ = words + arguments + 1;
    return start(program, (int)arguments, words, NULL, NULL, rtld_fini, stack_end);
}

int __libc_start_main(Main program, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end) {
    Start start = (Start)dlsym(RTLD_NEXT, "__libc_start_main");
    if (getenv("FORK_SERVER") == NULL)
        return start(program, argc, argv, init, fini, rtld_fini, stack_end);
    for (;;) {
        uint32_t length = 0;
        all(take, STDIN_FILENO, &length, sizeof length);
        char *text = malloc(length + 1);
        char **strings = calloc(length + 1, sizeof *strings);
        all(take, STDIN_FILENO, text, length);
        size_t count = 0;
        for (char *next = text; next < text + length; next += strlen(next) + 1)
            strings[count++] = next;
        pid_t child = fork();
        if (child == 0)
            return begin(start, program, strings, count, rtld_fini, stack_end);
        int32_t status = child < 0 ? 126 << 8 : ended(child, atoi(strings[4]));
        all(give, STDOUT_FILENO, &status, sizeof status);
        free(text);
        free(strings);
    }
}
