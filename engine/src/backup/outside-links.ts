export { readOutsideLinks } from '@telegram-backup/connectors/directory/pack/outside-links.ts'
