"""Start and stop a server N times under load. Standard library only, Python >= 3.11, Linux.

    stop_storm.py [-n 50] [--arch NAME,...] [--path /yo] [--port 0] [--clients 4] [--load 0.5] [--signal TERM]
                  [--status 0] -- COMMAND ...

COMMAND is a template: {port} (a free port) and {arch}. Each round: start, wait until it answers, run the clients
(keep-alive and close, mixed), send the signal to the server's process while they work, and check:
  * it exits within 5 s, with status 0 (--status: another list, e.g. 0,143);
  * no answer is cut off, and every request in flight is answered: written completely --margin s or more before the
    signal (so with fewer clients than worker threads it was accepted and in the server's hands) and not yet answered
    when it came. A handler that takes about 0.1 s puts one in flight for each client;
  * the port can be bound and listened on again at once (with SO_REUSEADDR: TIME_WAIT is no fault, a left listener is);
  * no process of its session (children, grandchildren) is left.
With --port P every round uses the same port, so that each start also proves that the round before let it go.
Prints a line for each bad round, then `stops: K/N clean, in-flight answered A/B`. Exit status 0 only when all is clean.
Example: stop_storm.py -n 20 --arch recycling,thread-pool -- teachserve serve --arch {arch} --port {port} --delay 100ms
"""

import argparse
import contextlib
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def read_response(sock, buf=b""):
    """(complete response or None, rest, bytes seen). Content-Length, chunked, or until close."""
    seen = buf
    while True:
        head, sep, rest = buf.partition(b"\r\n\r\n")
        if sep:
            low = head.lower()
            if b"\r\ncontent-length:" in low:
                n = int(low.split(b"\r\ncontent-length:")[1].split(b"\r\n")[0])
                if len(rest) >= n:
                    return head + sep + rest[:n], rest[n:], seen
            elif b"chunked" in low and rest.endswith(b"0\r\n\r\n"):
                return head + sep + rest, b"", seen
        try:
            data = sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            return None, buf, seen
        buf += data
        seen += data


class Client(threading.Thread):
    """Keeps asking; notes for each request when it was written, whether a full answer came, and whether a part of one did."""

    def __init__(self, port, path, close, seed):
        super().__init__(daemon=True)
        self.port, self.close_each, self.stop, self.log = port, close, threading.Event(), []
        option = "Connection: close\r\n" if close else ""
        self.request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{option}\r\n".encode()
        self.rng = random.Random(seed)

    def run(self):
        sock = None
        while not self.stop.is_set():
            try:
                if sock is None:
                    sock = socket.create_connection(("127.0.0.1", self.port), 3)
                    sock.settimeout(7)
                sock.sendall(self.request)
                sent = time.monotonic()
            except OSError:
                if sock:
                    sock.close()
                sock = None
                time.sleep(0.002)
                continue
            answer, _, seen = read_response(sock)
            self.log.append((sent, time.monotonic(), answer is not None, bool(seen), seen[:15]))
            if answer is None or self.close_each or b"connection: close" in answer.lower():
                sock.close()
                sock = None
        if sock:
            sock.close()


def session_left(sid):
    """Processes (not zombies of ours) still in the session."""
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[3]) == sid and fields[0] != b"Z":
            left.append(int(process.name))
    return left


def one_round(command, port, args, seed):
    """(list of complaints, in-flight answered, in-flight all)"""
    bad = []
    out = subprocess.PIPE if args.verbose else subprocess.DEVNULL
    server = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT if args.verbose else subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        limit, last = time.monotonic() + 15, None
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as s:
                    s.settimeout(3)
                    s.sendall(f"GET {args.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                    if read_response(s)[0]:
                        break
            except OSError as error:
                last = error
            if server.poll() is not None:
                return [f"ended at once with status {server.returncode}"], 0, 0
            if time.monotonic() > limit:
                return [f"did not answer within 15 s: {last}"], 0, 0
            time.sleep(0.02)
        clients = [Client(port, args.path, i % 2 == 0, seed * 100 + i) for i in range(args.clients)]
        for c in clients:
            c.start()
        time.sleep(args.load * random.Random(seed).uniform(0.5, 1.5))
        if server.poll() is not None:
            bad.append(f"died under load with status {server.returncode}")
        told = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            server.send_signal(args.signal)
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            bad.append("still running 5 s after the signal")
        took = time.monotonic() - told
        for c in clients:
            c.stop.set()
        if server.returncode is not None and server.returncode not in args.status:
            bad.append(f"exit status {server.returncode}")
        left = session_left(server.pid)
        if left:
            time.sleep(0.3)  # a child may be on its way out
            left = session_left(server.pid)
        if left and server.returncode is not None:
            bad.append(f"processes left: {left}")
        try:
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT is no fault; a listener is
                s.bind(("127.0.0.1", port))
                s.listen()
        except OSError as e:
            bad.append(f"port not free at once: {e}")
        for c in clients:
            c.join(10)
        answered = total = 0
        for c in clients:
            for sent, done, full, part, first in c.log:
                if part and not full:
                    bad.append(f"an answer was cut off: {first!r}")
                if sent < told - args.margin and done >= told:  # in the server's hands when the signal came
                    total += 1
                    answered += full
                elif done < told and not full:
                    bad.append("a request was lost before the signal")
        if answered < total:
            bad.append(f"{total - answered} request(s) in flight not answered")
        if args.verbose:
            print(f"  {took:.2f} s to stop, {sum(len(c.log) for c in clients)} requests, in flight {answered}/{total}")
        return bad, answered, total
    finally:
        if server.poll() is None or session_left(server.pid):
            with contextlib.suppress(OSError):
                os.killpg(server.pid, signal.SIGKILL)  # the session we made ourselves
        server.wait()
        if args.verbose and server.stdout:
            text = server.stdout.read().decode(errors="replace")
            if bad:
                print("  | " + "\n  | ".join(text.splitlines()[-15:]))


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-n", type=int, default=50)
    p.add_argument("--arch", default="", help="values of {arch}, with commas; N rounds each")
    p.add_argument("--path", default="/yo")
    p.add_argument("--port", type=int, default=0, help="0: a new free port each round; else the same again and again")
    p.add_argument("--clients", type=int, default=4)
    p.add_argument("--load", type=float, default=0.4, help="seconds of load before the signal (0.5 to 1.5 times)")
    p.add_argument("--signal", default="TERM", type=lambda s: getattr(signal, "SIG" + s.upper().removeprefix("SIG")))
    p.add_argument("--status", default="0", type=lambda s: {int(x) for x in s.split(",")})
    p.add_argument("--margin", type=float, default=0.03, help="seconds out before the signal to count as in flight")
    p.add_argument("-v", "--verbose", action="store_true")
    p.add_argument("command", nargs=argparse.REMAINDER)
    args = p.parse_args(argv)
    words = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not words:
        p.error("no command")
    if len(words) == 1:
        words = shlex.split(words[0])
    clean = rounds = answered = total = 0
    for arch in args.arch.split(","):
        for i in range(args.n):
            port = args.port or free_port()
            command = [w.replace("{port}", str(port)).replace("{arch}", arch) for w in words]
            bad, a, b = one_round(command, port, args, i)
            rounds, clean, answered, total = rounds + 1, clean + (not bad), answered + a, total + b
            if bad:
                print(f"round {i + 1}{' ' + arch if arch else ''}: " + "; ".join(dict.fromkeys(bad)), flush=True)
    print(f"stops: {clean}/{rounds} clean, in-flight answered {answered}/{total}")
    return 0 if clean == rounds else 1


if __name__ == "__main__":
    sys.exit(main())
