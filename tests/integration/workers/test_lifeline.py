"""A process that ends with the one that started it."""

import signal
import socket
import subprocess
import sys

from tests.support.patience import PATIENCE

PROGRAM = """
import socket, sys
from reactor.app.workers.lifeline import hold_on
end = socket.socket(fileno=int(sys.argv[1]))
hold_on(end)
print("held", flush=True)
while True:  # as a function that gives the event loop no turn
    pass
"""


def test_a_busy_process_ends_as_soon_as_the_other_end_is_closed():
    ours, theirs = socket.socketpair()
    with theirs:
        held = [sys.executable, "-c", PROGRAM, str(theirs.fileno())]
        process = subprocess.Popen(held, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        ours.sendall(b"what is sent is no end")
        assert process.poll() is None
        ours.close()
        assert process.wait(PATIENCE) == -signal.SIGKILL
