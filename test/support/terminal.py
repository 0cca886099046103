"""Runs a program on a pseudo-terminal of a given size, and copies what it writes.

terminal.py COLUMNS ROWS PROGRAM ARGUMENT...

Lines on standard input: `resize COLUMNS`, `interrupt` (Ctrl-C), `type TEXT`, `terminate` (SIGTERM). Ends with the program's exit code.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

columns, rows = int(sys.argv[1]), int(sys.argv[2])
ready_read, ready_write = os.pipe()
child, terminal = pty.fork()
if child == 0:
    # Only when the terminal has its size.
    os.close(ready_write)
    os.read(ready_read, 1)
    os.execvp(sys.argv[3], sys.argv[3:])


def resize(width):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, width, 0, 0))


resize(columns)
os.close(ready_read)
os.close(ready_write)
sources = [terminal, 0]
while terminal in sources:
    for source in select.select(sources, [], [])[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b""  # Linux says EIO when the program is gone
        if not data:
            sources.remove(source)
        elif source == terminal:
            os.write(1, data)
        else:
            for line in data.decode().split("\n"):
                if line.startswith("resize "):
                    resize(int(line.split(" ")[1]))
                elif line == "interrupt":
                    os.write(terminal, b"\x03")
                elif line.startswith("type "):
                    os.write(terminal, line[5:].encode())
                elif line == "terminate":
                    os.kill(child, signal.SIGTERM)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
