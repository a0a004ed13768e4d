export { mayBeResumed, resumableUntil } from '@telegram-backup/vault/session/resumable.ts'
