"""No core dump of a process that has keys: a dump would contain them in clear, on a volume of its own."""

import resource

#: Linux neither writes a dump of at most one byte nor pipes one to a program such as systemd-coredump. A
#: limit of zero stops only the file (Linux, fs/coredump.c; core(5)).
LIMIT_BYTES = 1


def disable_core_dumps() -> None:
    """Forbid core dumps of this process and of the processes that it starts, and keep that so."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = LIMIT_BYTES if hard == resource.RLIM_INFINITY else min(hard, LIMIT_BYTES)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
