#!/bin/sh
# The commands beside the service, for root: its user, its environment, its token. `telegram-backup list`, `… schedule add`.
#   install -m 755 deploy/systemd/telegram-backup.sh /usr/local/sbin/telegram-backup
# A secret that `systemctl edit` adds to the service is added here as well: DATABASE_URL=$(cat /etc/telegram-backup/database-url)
# A key file for restore has to be readable to the user telegram-backup for that while: BACKUP_AGE_IDENTITY_FILE=… telegram-backup …
set -eu
etc=/etc/telegram-backup
set -a
# NAME=value in each line, as for systemd, but read by a shell: values with blanks or $ stand in single quotes.
. "$etc/environment"
TELEGRAM_BOT_TOKEN=$(cat "$etc/token")
TELEGRAM_BACKUP_HOME=/var/lib/telegram-backup
TELEGRAM_BACKUP_CONFIG=$etc/telegram-backup.yaml
XDG_CACHE_HOME=/var/cache/telegram-backup
HOME=$TELEGRAM_BACKUP_HOME
set +a
exec setpriv --reuid=telegram-backup --regid=telegram-backup --init-groups \
  /usr/bin/node /opt/telegram-backup/node_modules/@telegram-backup/cli/bin/telegram-backup.js "$@"
