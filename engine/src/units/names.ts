// Writes names of files for people, and reads them again.
export {
  base64Of,
  escapeName,
  shownName,
  unescapeName,
} from '@telegram-backup/archive/escaped-names'
export { memberPathBytes } from '@telegram-backup/archive/member-path'
