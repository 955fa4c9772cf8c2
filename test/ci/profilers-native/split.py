"""Sixty, thirty and ten parts of CPU time. split.py SECONDS PROCESSES EXIT, as split.c."""

import os
import random
import sys
import time


def spin_sixty(seconds):
    x = 0
    end = time.process_time() + seconds
    while time.process_time() < end:
        for i in range(2000):
            x = (x * 31 + i) & 0xFFFFFFFF
    return x


def spin_thirty(seconds):
    x = 0
    end = time.process_time() + seconds
    while time.process_time() < end:
        for i in range(2000):
            x = (x * 31 + i) & 0xFFFFFFFF
    return x


def spin_ten(seconds):
    x = 0
    end = time.process_time() + seconds
    while time.process_time() < end:
        for i in range(2000):
            x = (x * 31 + i) & 0xFFFFFFFF
    return x


def work(seconds):
    chance = random.Random(os.getpid())
    end = time.process_time() + seconds
    while time.process_time() < end:
        spin_sixty(6 * chance.uniform(0.004, 0.005))
        spin_thirty(3 * chance.uniform(0.004, 0.005))
        spin_ten(chance.uniform(0.004, 0.005))


def main():
    seconds, processes, code = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    children = []
    for _ in range(processes - 1):
        child = os.fork()
        if child == 0:
            work(seconds)
            os._exit(0)
        children.append(child)
    print("ready", flush=True)
    work(seconds)
    for child in children:
        os.waitpid(child, 0)
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


main()
