// Sixty, thirty and ten parts of CPU time, in as many processes as asked for. Each stretch is longer than a sampling
// interval, and they differ in length: nothing falls into step.
// split SECONDS PROCESSES EXIT: exits with EXIT; by signal -EXIT where that is negative.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long sink;

__attribute__((noinline)) static void spin_sixty(long n) {
  for (long i = 0; i < n; i++) sink = sink * 31 + i;
}

__attribute__((noinline)) static void spin_thirty(long n) {
  for (long i = 0; i < n; i++) sink = sink * 31 + i;
}

__attribute__((noinline)) static void spin_ten(long n) {
  for (long i = 0; i < n; i++) sink = sink * 31 + i;
}

// Of the CPU: on a busy machine it takes longer, and there is as much to see.
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static long parts(unsigned *seed) {
  *seed = *seed * 1103515245u + 12345u;
  return 3000000 + (*seed >> 16) % 1000000;
}

__attribute__((noinline)) static void work(double seconds) {
  unsigned seed = (unsigned)getpid();
  for (double end = now() + seconds; now() < end;) {
    spin_sixty(6 * parts(&seed));
    spin_thirty(3 * parts(&seed));
    spin_ten(parts(&seed));
  }
}

int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 1;
  int processes = argc > 2 ? atoi(argv[2]) : 1;
  int code = argc > 3 ? atoi(argv[3]) : 0;
  for (int i = 1; i < processes; i++) {
    if (fork() == 0) {
      work(seconds);
      return 0;
    }
  }
  puts("ready");
  fflush(stdout);
  work(seconds);
  while (wait(NULL) > 0) {
  }
  if (code < 0) raise(-code);
  return code;
}
