/* The long wait of a foreground command. */
#pragma once
#include "../init/batches.h"
#include "../resident/protocol.h"

static i64 attend(const u64 *args, const struct request *request) {
  (void)args;
  (void)request;
  return -38;
}
