import '@telegram-backup/archive'
