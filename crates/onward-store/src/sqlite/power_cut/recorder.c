/* Loaded before libc (LD_PRELOAD): writes down, in order, everything a process does to the files of one
 * folder that a power cut could undo: writes with their bytes, truncations, syncs, names made and taken
 * away. The test replays the record up to any moment and drops what was not synced.
 *
 * A record is: kind (1 byte), length of the path (4), offset (8), length (8), path, bytes.
 * Kinds: N name made, W write, T truncation, S sync, U name taken away. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDS 1024
static char *path_of[FDS];
static const char *folder;
static int record_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void put(const void *bytes, size_t len) {
    const char *at = bytes;
    while (len > 0) {
        long n = syscall(SYS_write, record_fd, at, len);
        if (n <= 0) abort();
        at += n;
        len -= (size_t)n;
    }
}

static void record(char kind, const char *path, uint64_t offset, uint64_t len, const void *bytes) {
    if (record_fd < 0 || !path) return;
    uint32_t path_len = (uint32_t)strlen(path);
    pthread_mutex_lock(&lock);
    put(&kind, 1);
    put(&path_len, 4);
    put(&offset, 8);
    put(&len, 8);
    put(path, path_len);
    if (bytes) put(bytes, len);
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void start(void) {
    const char *to = getenv("RECORD_TO");
    folder = getenv("RECORD_FOLDER");
    if (to && folder) record_fd = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int wanted(const char *path) {
    size_t len;
    if (!folder || !path) return 0;
    len = strlen(path);
    if (len >= 4 && strcmp(path + len - 4, "-shm") == 0) return 0; /* rebuilt after every crash */
    return strncmp(path, folder, strlen(folder)) == 0;
}

static const char *known(int fd) { return fd >= 0 && fd < FDS ? path_of[fd] : NULL; }

static int opened(int fd, const char *path, int fresh) {
    if (fd >= 0 && fd < FDS) {
        path_of[fd] = wanted(path) ? strdup(path) : NULL;
        if (fresh) record('N', path_of[fd], 0, 0, NULL);
    }
    return fd;
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define MODE(flags) mode_t mode = 0; if ((flags) & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, flags); mode = va_arg(a, mode_t); va_end(a); }

static int missing(const char *path) { struct stat s; return wanted(path) && stat(path, &s) != 0; }

int open(const char *path, int flags, ...) {
    REAL(open); MODE(flags)
    int fresh = (flags & O_CREAT) && missing(path);
    return opened(real(path, flags, mode), path, fresh);
}
int open64(const char *path, int flags, ...) {
    REAL(open64); MODE(flags)
    int fresh = (flags & O_CREAT) && missing(path);
    return opened(real(path, flags, mode), path, fresh);
}
int openat(int at, const char *path, int flags, ...) {
    REAL(openat); MODE(flags)
    int fresh = (flags & O_CREAT) && missing(path);
    return opened(real(at, path, flags, mode), path, fresh);
}
int openat64(int at, const char *path, int flags, ...) {
    REAL(openat64); MODE(flags)
    int fresh = (flags & O_CREAT) && missing(path);
    return opened(real(at, path, flags, mode), path, fresh);
}
int close(int fd) {
    REAL(close);
    if (fd >= 0 && fd < FDS) path_of[fd] = NULL;
    return real(fd);
}
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset) {
    REAL(pwrite);
    record('W', known(fd), (uint64_t)offset, len, bytes);
    return real(fd, bytes, len, offset);
}
ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t offset) {
    REAL(pwrite64);
    record('W', known(fd), (uint64_t)offset, len, bytes);
    return real(fd, bytes, len, offset);
}
ssize_t write(int fd, const void *bytes, size_t len) {
    REAL(write);
    if (known(fd)) record('W', known(fd), (uint64_t)lseek(fd, 0, SEEK_CUR), len, bytes);
    return real(fd, bytes, len);
}
int ftruncate(int fd, off_t len) {
    REAL(ftruncate);
    record('T', known(fd), (uint64_t)len, 0, NULL);
    return real(fd, len);
}
int ftruncate64(int fd, off64_t len) {
    REAL(ftruncate64);
    record('T', known(fd), (uint64_t)len, 0, NULL);
    return real(fd, len);
}
int fsync(int fd) {
    REAL(fsync);
    int done = real(fd);
    if (done == 0) record('S', known(fd), 0, 0, NULL);
    return done;
}
int fdatasync(int fd) {
    REAL(fdatasync);
    int done = real(fd);
    if (done == 0) record('S', known(fd), 0, 0, NULL);
    return done;
}
int unlink(const char *path) {
    REAL(unlink);
    int done = real(path);
    if (done == 0 && wanted(path)) record('U', path, 0, 0, NULL);
    return done;
}
