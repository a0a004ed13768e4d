// What the record of a backup says, for the faces to show.
export { readDevices } from '@telegram-backup/connectors/directory/devices.ts'
export { readOutsideLinks } from '@telegram-backup/connectors/directory/pack/outside-links.ts'
export { mayBeResumed, resumableUntil } from '@telegram-backup/vault/session/resumable.ts'
