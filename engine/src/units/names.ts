// How names of files are written for people, and read again.
export {
  base64Of,
  escapeName,
  shownName,
  unescapeName,
} from '@telegram-backup/archive/escaped-names'
export { memberPathBytes } from '@telegram-backup/archive/member-path'
