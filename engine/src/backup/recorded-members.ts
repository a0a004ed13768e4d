// What the record of a directory's backup says of its members, for people.
export { readDevices } from '@telegram-backup/connectors/directory/devices.ts'
export { readOutsideLinks } from '@telegram-backup/connectors/directory/pack/outside-links.ts'
