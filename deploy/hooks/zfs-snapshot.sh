#!/bin/sh
# A hook: a snapshot of a ZFS dataset. docs/hooks.md has the source that uses it.
#   zfs-snapshot.sh create DATASET      its files are in MOUNTPOINT/.zfs/snapshot/telegram-backup
#   zfs-snapshot.sh remove DATASET      may be repeated
set -eu

action=$1 snapshot=$2@telegram-backup

case $action in
  create)
    zfs snapshot "$snapshot"
    ;;
  remove)
    if zfs list -t snapshot "$snapshot" > /dev/null 2>&1; then zfs destroy "$snapshot"; fi
    ;;
  *)
    echo "usage: $0 create|remove DATASET" >&2
    exit 2
    ;;
esac
