#!/bin/sh
# The commands beside the service, for root: as its user, with its folders and /etc/telegram-backup/environment, which every command
# reads. `telegram-backup list`, `… schedule add`.
#   install -m 755 deploy/systemd/telegram-backup.sh /usr/local/sbin/telegram-backup
# A key file for restore has to be readable to the user telegram-backup for that while: BACKUP_AGE_IDENTITY_FILE=… telegram-backup …
set -eu
export TELEGRAM_BACKUP_HOME=/var/lib/telegram-backup
export TELEGRAM_BACKUP_CONFIG=/etc/telegram-backup/telegram-backup.yaml
export XDG_CACHE_HOME=/var/cache/telegram-backup
export HOME=$TELEGRAM_BACKUP_HOME
exec setpriv --reuid=telegram-backup --regid=telegram-backup --init-groups \
  /usr/bin/node /opt/telegram-backup/node_modules/@telegram-backup/cli/bin/telegram-backup.js "$@"
