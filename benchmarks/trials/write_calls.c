// LD_PRELOAD library: numbers the system calls with which a process changes files, records them, dies at a chosen one.
//
//   metta_arm(0, 0, "trace", below)   from here on, write one line for each call to the file "trace"
//   metta_arm(7, torn, NULL, below)   the seventh from here on is SIGKILL instead; torn: after half of it, if it is a write
//
// Calls on files `below` a folder count, writes only on regular files; all else goes through unseen.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long armed_at = -1, seen = 0;
static int torn_write = 0, trace = -1;
static char root[PATH_MAX] = "";

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

void metta_arm(long at, int torn, const char* trace_path, const char* below) {
  armed_at = at, torn_write = torn, seen = 0;
  snprintf(root, sizeof root, "%s", below);
  trace = trace_path ? REAL(open)(trace_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
}

static void path_of(int fd, char* out) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, out, PATH_MAX - 1);
  out[size > 0 ? size : 0] = 0;
}

static void absolute(int folder, const char* path, char* out) {
  char base[PATH_MAX] = "";
  if (path[0] == '/') {
    snprintf(out, PATH_MAX, "%s", path);
    return;
  }
  if (folder == AT_FDCWD) {
    if (!getcwd(base, sizeof base)) base[0] = 0;
  } else {
    path_of(folder, base);
  }
  if (snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) out[0] = 0;
}

// Whether to die now. `what` and `path` are for the trace.
static int count(const char* what, const char* path, const char* other) {
  if (armed_at < 0 || strncmp(path, root, strlen(root)) != 0) return 0;
  ++seen;
  if (trace >= 0) dprintf(trace, "%s\t%s\t%s\n", what, path, other);
  return seen == armed_at;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

#define STEP_AT(what, folder, path)     \
  do {                                  \
    char full[PATH_MAX];                \
    absolute(folder, path, full);       \
    if (count(what, full, "")) die();   \
  } while (0)

#define STEP_FD(what, fd)               \
  do {                                  \
    char full[PATH_MAX];                \
    path_of(fd, full);                  \
    if (count(what, full, "")) die();   \
  } while (0)

#define OPEN(name)                                                     \
  int name(const char* path, int flags, ...) {                         \
    va_list rest;                                                      \
    va_start(rest, flags);                                             \
    const mode_t mode = va_arg(rest, mode_t);                          \
    va_end(rest);                                                      \
    if (flags & (O_CREAT | O_TRUNC)) STEP_AT("open", AT_FDCWD, path);  \
    return REAL(name)(path, flags, mode);                              \
  }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void* data, size_t size) {
  struct stat info;
  if (armed_at >= 0 && fd != trace && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    char full[PATH_MAX];
    path_of(fd, full);
    if (count("write", full, "")) {
      if (torn_write) REAL(write)(fd, data, size / 2);
      die();
    }
  }
  return REAL(write)(fd, data, size);
}

int fsync(int fd) {
  STEP_FD("fsync", fd);
  return REAL(fsync)(fd);
}
int fdatasync(int fd) {
  STEP_FD("fsync", fd);
  return REAL(fdatasync)(fd);
}
int ftruncate64(int fd, off64_t size) {
  STEP_FD("truncate", fd);
  return REAL(ftruncate64)(fd, size);
}
int truncate64(const char* path, off64_t size) {
  STEP_AT("truncate", AT_FDCWD, path);
  return REAL(truncate64)(path, size);
}
int rename(const char* from, const char* to) {
  char full[PATH_MAX], other[PATH_MAX];
  absolute(AT_FDCWD, from, full);
  absolute(AT_FDCWD, to, other);
  if (count("rename", full, other)) die();
  return REAL(rename)(from, to);
}
int link(const char* from, const char* to) {
  STEP_AT("link", AT_FDCWD, to);
  return REAL(link)(from, to);
}
int unlink(const char* path) {
  STEP_AT("unlink", AT_FDCWD, path);
  return REAL(unlink)(path);
}
int unlinkat(int folder, const char* path, int flags) {
  STEP_AT("unlink", folder, path);
  return REAL(unlinkat)(folder, path, flags);
}
int rmdir(const char* path) {
  STEP_AT("rmdir", AT_FDCWD, path);
  return REAL(rmdir)(path);
}
int mkdir(const char* path, mode_t mode) {
  STEP_AT("mkdir", AT_FDCWD, path);
  return REAL(mkdir)(path, mode);
}
int chmod(const char* path, mode_t mode) {
  STEP_AT("chmod", AT_FDCWD, path);
  return REAL(chmod)(path, mode);
}
