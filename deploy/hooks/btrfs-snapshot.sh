#!/bin/sh
# A hook: a read-only snapshot of a btrfs subvolume. docs/hooks.md has the source that uses it.
#   btrfs-snapshot.sh create SUBVOLUME SNAPSHOT      SNAPSHOT: a new folder on the same file system
#   btrfs-snapshot.sh remove SUBVOLUME SNAPSHOT      may be repeated
set -eu

action=$1 subvolume=$2 snapshot=$3

case $action in
  create)
    btrfs subvolume snapshot -r "$subvolume" "$snapshot"
    ;;
  remove)
    if btrfs subvolume show "$snapshot" > /dev/null 2>&1; then btrfs subvolume delete "$snapshot"; fi
    ;;
  *)
    echo "usage: $0 create|remove SUBVOLUME SNAPSHOT" >&2
    exit 2
    ;;
esac
