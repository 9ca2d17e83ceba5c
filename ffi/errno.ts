/** Linux error numbers as on x86-64 and arm64 (include/uapi/asm-generic/errno{-base,}.h), and what they say. */

const NAMES =
  'EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ' +
  'ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE ' +
  'EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ' +
  'ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ' +
  'ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ' +
  'ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT ' +
  'EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ' +
  'ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN ' +
  'EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ' +
  'ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON'

const BY_NUMBER: readonly string[] = NAMES.split(' ')

/** Number by name: `ERRNO.EPERM === 1`. EWOULDBLOCK and ENOTSUP go by the names EAGAIN and EOPNOTSUPP. */
export const ERRNO: Readonly<Record<string, number>> = Object.fromEntries(
  BY_NUMBER.flatMap((name, index) => name === '-' ? [] : [[name, index + 1]]),
)

/** What libbpf and bpf(2) mean by them, in the words of an operator; the rest go by their name alone. */
const MEANING: Readonly<Record<string, string>> = {
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or object',
  ESRCH: 'not found',
  E2BIG: 'too large',
  EBADF: 'bad file descriptor',
  EAGAIN: 'try again',
  ENOMEM: 'out of memory or over the memlock limit',
  EACCES: 'refused by the verifier or permission denied',
  EBUSY: 'busy',
  EEXIST: 'exists already',
  ENODEV: 'no such device',
  EINVAL: 'invalid argument or not known to this kernel',
  EMFILE: 'too many open files',
  ENOSPC: 'no space left',
  EROFS: 'read-only file system',
  ERANGE: 'out of range',
  ENOSYS: 'not implemented by this kernel',
  ELOOP: 'too many links',
  EOPNOTSUPP: 'not supported by this kernel',
  ETIMEDOUT: 'timed out',
}

/** 524 is the kernel's ENOTSUPP, which has no name in user space yet comes out of bpf(2). libbpf's own begin at 4000. */
const ENOTSUPP = 524
const LIBBPF: readonly string[] = [
  'LIBELF',
  'FORMAT',
  'KVERSION',
  'ENDIAN',
  'INTERNAL',
  'RELOC',
  'LOAD',
  'VERIFY',
  'PROG2BIG',
  'KVER',
  'PROGTYPE',
  'WRNGPID',
  'INVSEQ',
  'NLPARSE',
]
const LIBBPF_ERRNO_START = 4000

/** `EPERM` for 1; `ENOTSUPP` for the kernel's own 524; `LIBBPF_FORMAT` for libbpf's; `E<number>` for any other. */
export function errnoName(errno: number): string {
  if (errno === ENOTSUPP) return 'ENOTSUPP'
  const libbpf = LIBBPF[errno - LIBBPF_ERRNO_START]
  if (libbpf !== undefined) return `LIBBPF_${libbpf}`
  const name = BY_NUMBER[errno - 1]
  return name === undefined || name === '-' ? `E${errno}` : name
}

/** `operation not permitted (EPERM)`. */
export function errnoText(errno: number): string {
  const name = errnoName(errno)
  const meaning = name === 'ENOTSUPP' ? MEANING.EOPNOTSUPP : MEANING[name]
  return meaning === undefined ? name : `${meaning} (${name})`
}
