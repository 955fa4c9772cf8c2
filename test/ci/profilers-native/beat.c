// Waits for the monotonic instants (nanoseconds, one a line on standard input), then is busy in `beat` for a while from
// each on, and says when it really began and ended. `beat LENGTH_MS`
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile unsigned long sink;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

__attribute__((noinline)) static void approach(long long until) {
  while (now() < until) sink++;
}

__attribute__((noinline)) static void beat(long long until) {
  do {
    for (int i = 0; i < 1000; i++) sink = sink * 31 + i;
  } while (now() < until);
}

int main(int argc, char **argv) {
  long long length = atoll(argc > 1 ? argv[1] : "10") * 1000000LL;
  puts("ready");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    long long instant = atoll(line);
    long long rest = instant - 3000000LL - now();
    if (rest > 0) {
      struct timespec t = {rest / 1000000000LL, rest % 1000000000LL};
      nanosleep(&t, NULL);
    }
    approach(instant);
    long long began = now();
    beat(instant + length);
    printf("%lld %lld\n", began, now());
  }
  fflush(stdout);
  return 0;
}
