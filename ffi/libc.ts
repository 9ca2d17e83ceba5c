/** Symbols of the C library in use, each under its prototype; `library.ts` opens them. */

import type { FFIFunction } from 'bun:ffi'

export const LIBC_SYMBOLS = {
  // int *__errno_location(void);  — of the calling thread
  __errno_location: { args: [], returns: 'ptr' },
  // int madvise(void *addr, size_t length, int advice);
  madvise: { args: ['ptr', 'u64', 'i32'], returns: 'i32' },
  // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);  — MAP_FAILED on error
  mmap: { args: ['ptr', 'u64', 'i32', 'i32', 'i32', 'i64'], returns: 'ptr' },
  // int munmap(void *addr, size_t length);
  munmap: { args: ['ptr', 'u64'], returns: 'i32' },
  // int epoll_create1(int flags);
  epoll_create1: { args: ['i32'], returns: 'i32' },
  // int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
  epoll_ctl: { args: ['i32', 'i32', 'i32', 'ptr'], returns: 'i32' },
  // int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout);
  epoll_wait: { args: ['i32', 'ptr', 'i32', 'i32'], returns: 'i32' },
  // int eventfd(unsigned int initval, int flags);
  eventfd: { args: ['u32', 'i32'], returns: 'i32' },
  // int eventfd_write(int fd, eventfd_t value);
  eventfd_write: { args: ['i32', 'u64'], returns: 'i32' },
  // int close(int fd);
  close: { args: ['i32'], returns: 'i32' },
  // int dup(int fd);
  dup: { args: ['i32'], returns: 'i32' },
  // int clock_gettime(clockid_t clockid, struct timespec *tp);
  clock_gettime: { args: ['i32', 'ptr'], returns: 'i32' },
  // long sysconf(int name);
  sysconf: { args: ['i32'], returns: 'i64' },
  // long syscall(long number, ...);  — here: perf_event_open(attr, pid, cpu, group_fd, flags), seccomp(operation, flags, args)
  syscall: { args: ['i64', 'i64', 'i64', 'i64', 'i64', 'u64'], returns: 'i64' },
  // int prctl(int option, ...);
  prctl: { args: ['i32', 'u64', 'u64', 'u64', 'u64'], returns: 'i32' },
  // int capget(cap_user_header_t hdrp, cap_user_data_t datap);
  capget: { args: ['ptr', 'ptr'], returns: 'i32' },
  // int setrlimit(int resource, const struct rlimit *rlim);
  setrlimit: { args: ['i32', 'ptr'], returns: 'i32' },
  // int mount(const char *source, const char *target, const char *fstype, unsigned long flags, const void *data);
  mount: { args: ['ptr', 'ptr', 'ptr', 'u64', 'ptr'], returns: 'i32' },
} as const satisfies Record<string, FFIFunction>
