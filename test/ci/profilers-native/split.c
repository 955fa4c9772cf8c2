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

// Of the CPU: on a busy machine it takes longer, and there is as much to see.
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

__attribute__((noinline)) static void spin_sixty(double seconds) {
  for (double end = now() + seconds; now() < end;)
    for (long i = 0; i < 50000; i++) sink = sink * 31 + i;
}

__attribute__((noinline)) static void spin_thirty(double seconds) {
  for (double end = now() + seconds; now() < end;)
    for (long i = 0; i < 50000; i++) sink = sink * 31 + i;
}

__attribute__((noinline)) static void spin_ten(double seconds) {
  for (double end = now() + seconds; now() < end;)
    for (long i = 0; i < 50000; i++) sink = sink * 31 + i;
}

static double part(unsigned *seed) {
  *seed = *seed * 1103515245u + 12345u;
  return 0.004 + (*seed >> 16) * 1e-3 / 65536;
}

__attribute__((noinline)) static void work(double seconds) {
  unsigned seed = (unsigned)getpid();
  for (double end = now() + seconds; now() < end;) {
    spin_sixty(6 * part(&seed));
    spin_thirty(3 * part(&seed));
    spin_ten(part(&seed));
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
