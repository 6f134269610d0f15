/*
 * A long wire: joins two TAP devices, and hands on each frame of either after a fixed delay. A share
 * of the frames is lost, always the same ones for the same seed and the same frames.
 *
 * delay TAP TAP ONE_WAY_MICROSECONDS LOST_PER_MILLION SEED
 *
 * Makes both devices, says "ready", and runs until it is killed, when they vanish.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 1 << 16, FRAME_BYTES = 1 << 16, HELD_BYTES = 64 << 20, AT_ONCE = 64 };

struct frame { uint64_t due; size_t size; unsigned char *bytes; };
/* Frames under way in one direction. The delay is the same for all: the first in is the first out. */
struct wire { int from, to; unsigned first, next; size_t held; struct frame frames[SLOTS]; };

static struct wire wires[2];
static uint64_t delay_ns, state;
static unsigned lost_per_million;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int open_tap(const char *name) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) err(1, "%s", name);
  return fd;
}

/* xorshift64*: the seed must not be 0. */
static int is_lost(void) {
  state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
  return (state * 2685821657736338717ull >> 32) % 1000000 < lost_per_million;
}

static void take_in(struct wire *wire) {
  unsigned char buffer[FRAME_BYTES];
  ssize_t size;
  for (int i = 0; i < AT_ONCE && (size = read(wire->from, buffer, sizeof buffer)) > 0; i++) {
    if (is_lost()) continue;
    if (wire->next - wire->first == SLOTS || wire->held + size > HELD_BYTES) continue; /* as a full switch */
    struct frame *frame = &wire->frames[wire->next++ % SLOTS];
    *frame = (struct frame){now_ns() + delay_ns, size, malloc(size)};
    memcpy(frame->bytes, buffer, size);
    wire->held += size;
  }
}

/* Hands on what is due. Returns when the next frame is, or `until` if that is sooner. */
static uint64_t hand_on(struct wire *wire, uint64_t until) {
  for (; wire->first != wire->next; wire->first++) {
    struct frame *frame = &wire->frames[wire->first % SLOTS];
    if (frame->due > now_ns()) return frame->due < until ? frame->due : until;
    if (write(wire->to, frame->bytes, frame->size) < 0) { /* the device is down: lost */ }
    wire->held -= frame->size;
    free(frame->bytes);
  }
  return until;
}

int main(int argc, char **argv) {
  if (argc != 6) errx(2, "usage: delay TAP TAP ONE_WAY_MICROSECONDS LOST_PER_MILLION SEED");
  int near = open_tap(argv[1]), far = open_tap(argv[2]);
  wires[0].from = wires[1].to = near;
  wires[1].from = wires[0].to = far;
  delay_ns = strtoull(argv[3], NULL, 10) * 1000;
  lost_per_million = atoi(argv[4]);
  state = strtoull(argv[5], NULL, 10);
  puts("ready");
  fflush(stdout);
  for (;;) {
    uint64_t due = hand_on(&wires[1], hand_on(&wires[0], UINT64_MAX)), now = now_ns();
    uint64_t wait = due > now ? due - now : 0;
    struct timespec pause = {wait / 1000000000, wait % 1000000000};
    struct pollfd fds[2] = {{near, POLLIN, 0}, {far, POLLIN, 0}};
    ppoll(fds, 2, due == UINT64_MAX ? NULL : &pause, NULL);
    take_in(&wires[0]);
    take_in(&wires[1]);
  }
}
