"""Completes a line in a shell on a pseudo-terminal, as its user does, and prints the completed line.

    press-tab.py LINE SHELL [ARGUMENT…]

The shell must be one that edits lines as Emacs does. After Tab, the line is wrapped into a printf, which shows it
as the shell has it, and not as it is drawn.
"""

import os
import pty
import re
import select
import sys
import time

line, command = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)

seen = b""


def read(seconds, until=None):
    """Reads for so long, or until the pattern appears."""
    global seen
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if until and re.search(until, seen):
            return
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                return


def read_until_quiet(seconds):
    """Waits for output, and then until none has come for a moment."""
    before = len(seen)
    end = time.monotonic() + seconds
    while len(seen) == before and time.monotonic() < end:
        read(0.05)
    while len(seen) > before:
        before = len(seen)
        read(0.5)


def send(text):
    os.write(terminal, text.encode())


# The prompt may be drawn before keys are taken: the shell is ready when it has run something.
send("printf 'IS-%s\\n' READY\r")
read(30, rb"IS-READY")
read_until_quiet(1)
send(line)
read_until_quiet(5)
send("\t")
# The completed line is drawn, or a bell is rung.
read_until_quiet(15)
seen = b""
send("\x01printf '<%s>' '\x05'\r")
read(15, rb"\n.*<[^%][^>]*>")
found = re.findall(rb"<([^%>][^>]*)>", seen)
print(found[-1].decode() if found else repr(seen))
os.kill(pid, 9)
