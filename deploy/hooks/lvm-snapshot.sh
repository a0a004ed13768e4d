#!/bin/sh
# A hook: a snapshot of a logical volume, mounted read-only. docs/hooks.md has the source that uses it.
#   lvm-snapshot.sh create VG/LV MOUNTPOINT [SIZE]     SIZE: room for what changes meanwhile; default 5G
#   lvm-snapshot.sh remove VG/LV MOUNTPOINT            may be repeated
set -eu

action=$1 origin=$2 mountpoint=$3 size=${4:-5G}
snapshot=$origin-telegram-backup

case $action in
  create)
    lvcreate --snapshot --size "$size" --name "${snapshot##*/}" "$origin"
    options=ro
    # XFS refuses a second file system with the same UUID.
    if [ "$(blkid -o value -s TYPE "/dev/$snapshot")" = xfs ]; then options=ro,nouuid; fi
    mkdir -p "$mountpoint"
    mount -o "$options" "/dev/$snapshot" "$mountpoint"
    ;;
  remove)
    if mountpoint -q "$mountpoint"; then umount "$mountpoint"; fi
    if lvs "$snapshot" > /dev/null 2>&1; then lvremove --yes "$snapshot"; fi
    ;;
  *)
    echo "usage: $0 create|remove VG/LV MOUNTPOINT [SIZE]" >&2
    exit 2
    ;;
esac
