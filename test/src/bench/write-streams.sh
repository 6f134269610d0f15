#!/bin/sh
# write-streams.sh STARTED SEED COPIES FIFO...
# Creates the file STARTED, then writes SEED, COPIES times over, into every FIFO at the same time.
# Every contender is fed by this script, so that the source costs the same.
started=$1 seed=$2 copies=$3
shift 3
seeds=$(i=0; while [ "$i" -lt "$copies" ]; do printf '%s ' "$seed"; i=$((i + 1)); done)
: > "$started"
writers=
for fifo; do
  # shellcheck disable=SC2086 # one argument per copy; the path has no blanks
  cat $seeds > "$fifo" &
  writers="$writers $!"
done
status=0
for writer in $writers; do
  wait "$writer" || status=1
done
exit $status
