"""What tests of the running server share: the server as a process, its clients, its counters."""
