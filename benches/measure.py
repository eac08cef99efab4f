"""Runs a program and measures it. Standard library only, and nothing large in memory: what the kernel says of a
child's peak memory is at least what its parent had when it was started."""
import os
import signal
import subprocess
import threading
import time


def tree_rss(pid):
    """Resident bytes of a process and its children (Linux; 0 elsewhere)."""
    pids, total = [pid], 0
    while pids:
        p = pids.pop()
        try:
            with open(f"/proc/{p}/statm") as f:
                total += int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for t in os.listdir(f"/proc/{p}/task"):
                with open(f"/proc/{p}/task/{t}/children") as f:
                    pids += [int(x) for x in f.read().split()]
        except (OSError, ValueError, IndexError):
            pass
    return total


def measure(cmd, log, timeout=1800):
    """Runs `cmd` with its output in `log`. Wall s; CPU s, user and system, of it and its children; peak MB: the
    largest of the kernel's figure for one process and of 20 looks a second at all of them together."""
    peak, done = [0], threading.Event()
    with open(log, "wb") as out:
        start = time.monotonic()
        env = dict(os.environ, PYTHONWARNINGS="ignore")
        p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env)

        def watch():
            while not done.wait(0.05):
                peak[0] = max(peak[0], tree_rss(p.pid))
                if time.monotonic() - start > timeout:
                    os.kill(p.pid, signal.SIGKILL)
                    return

        watcher = threading.Thread(target=watch)
        watcher.start()
        _, status, usage = os.wait4(p.pid, 0)
        wall = time.monotonic() - start
        p.returncode = os.waitstatus_to_exitcode(status)
        done.set()
        watcher.join()
    mb = max(usage.ru_maxrss * 1024, peak[0]) / 1e6
    return dict(rc=p.returncode, wall=wall, cpu=usage.ru_utime + usage.ru_stime, mb=mb)
