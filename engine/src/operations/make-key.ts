export { generateIdentity } from '@telegram-backup/archive'
