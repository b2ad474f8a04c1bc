"""A worker's process: `python -m reactor.app.workers`, with the number of the descriptor of its wire."""

import sys

from reactor.app.workers.worker import work

if __name__ == "__main__":
    sys.exit(work(int(sys.argv[1])))
