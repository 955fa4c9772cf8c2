// Sixty, thirty and ten parts of what is allocated, in as many processes as asked for.
// allocate SECONDS PROCESSES EXIT: stays for SECONDS after its work; exits with EXIT, by signal -EXIT where negative.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 4000

static void *kept[3 * ROUNDS];
static int count;

__attribute__((noinline)) static void keep(void *block, size_t size) {
  memset(block, 1, size);
  kept[count++] = block;
}

__attribute__((noinline)) static void allocate_sixty(void) { keep(malloc(6000), 6000); }

__attribute__((noinline)) static void allocate_thirty(void) { keep(malloc(3000), 3000); }

__attribute__((noinline)) static void allocate_ten(void) { keep(malloc(1000), 1000); }

__attribute__((noinline)) static void work(double seconds) {
  for (int round = 0; round < ROUNDS; round++) {
    allocate_sixty();
    allocate_thirty();
    allocate_ten();
  }
  struct timespec rest = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
  nanosleep(&rest, NULL);
}

int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 0;
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
