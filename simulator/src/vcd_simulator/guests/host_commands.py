"""Commands that guests borrow, read-only, from the host that the simulator runs on.

A list and not "whatever is installed", so that guests are alike on every host; a command that the host lacks is
missing in the guests too.
"""

HOST_COMMANDS = frozenset(
    ["[", "arch", "awk", "b2sum", "base32", "base64", "basename", "bash", "basenc", "bunzip2", "bzcat", "bzip2", "cat", "chgrp", "chmod", "cksum", "cmp", "column", "comm", "cp", "csplit", "cut", "dash", "date", "dd", "df", "diff", "diff3", "dir", "dircolors", "dirname", "du", "echo", "egrep", "env", "expand", "expr", "factor", "false", "fgrep", "find", "flock", "fmt", "fold", "free", "gawk", "getconf", "getent", "getopt", "grep", "groups", "gunzip", "gzip", "head", "hexdump", "iconv", "id", "install", "ionice", "join", "jq", "kill", "last", "less", "link", "ln", "locale", "logger", "logname", "ls", "lscpu", "mapfile", "mawk", "md5sum", "mkdir", "mkfifo", "mknod", "mktemp", "more", "mv", "namei", "nice", "nl", "nohup", "nproc", "numfmt", "od", "openssl", "paste", "pathchk", "perl", "pgrep", "pidof", "pinky", "pkill", "pr", "printenv", "printf", "ps", "ptx", "pwd", "python3", "readlink", "realpath", "renice", "rev", "rm", "rmdir", "run-parts", "savelog", "script", "sdiff", "sed", "seq", "setsid", "sh", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "shred", "shuf", "sleep", "sort", "split", "stat", "stdbuf", "strings", "stty", "sum", "sync", "tac", "tail", "tar", "tee", "tempfile", "test", "timeout", "top", "touch", "tput", "tr", "true", "truncate", "tsort", "tty", "uname", "unexpand", "uniq", "unlink", "unxz", "unzip", "uptime", "users", "uuidgen", "vdir", "w", "watch", "wc", "which", "who", "whoami", "xargs", "xxd", "xz", "xzcat", "yes", "zcat", "zdiff", "zgrep", "zip", "zless"]
)
