import { isUtf8 } from 'node:buffer'

/** Code points that Telegram keeps of a name's stem and of its extension (td clean_filename). */
const MAX_STEM = 64
const MAX_EXTENSION = 16

/**
 * The name under which Telegram shows an uploaded file, from the percent-decoded bytes of its multipart name.
 * Folders are dropped, stem and extension cut; unusable characters become spaces.
 */
export function cleanFileName(raw: Buffer): string {
  if (!isUtf8(raw)) return 'file'
  const base = raw.toString('utf8').split(/[/\\]/).at(-1) ?? ''
  const dot = base.lastIndexOf('.')
  const stem = cleanPart(dot < 0 ? base : base.slice(0, dot), MAX_STEM)
  const extension = dot < 0 ? '' : cleanPart(base.slice(dot + 1), MAX_EXTENSION)
  return [stem, extension].filter(part => part !== '').join('.') || 'file'
}

/** The extension of a clean name without its dot; empty when there is none. */
export function extensionOf(fileName: string): string {
  const dot = fileName.lastIndexOf('.')
  return dot < 0 ? '' : fileName.slice(dot + 1)
}

/** Replaces `%41` by `A` and so on; a percent sign without two hex digits stays. */
export function percentDecode(bytes: Buffer): Buffer {
  const decoded = Buffer.alloc(bytes.length)
  let length = 0
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0
    const hex = byte === 0x25 ? bytes.toString('latin1', index + 1, index + 3) : ''
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      decoded[length++] = Number.parseInt(hex, 16)
      index += 2
    } else {
      decoded[length++] = byte
    }
  }
  return decoded.subarray(0, length)
}

function cleanPart(part: string, maxLength: number): string {
  let cleaned = ''
  let length = 0
  for (const character of part) {
    if (length >= maxLength) break
    const kept = keptCharacter(character)
    if (kept === '' || (cleaned === '' && (kept === ' ' || kept === '.'))) continue
    cleaned += kept
    length++
  }
  return cleaned.replace(/[ .]+$/, '')
}

/** Marks and invisible characters vanish; everything else that is not allowed becomes a space. */
function keptCharacter(character: string): string {
  if (/[<>:"/\\|?*&'`]/.test(character)) return ' '
  if (character >= ' ' && character <= '~') return character
  if (/[\p{L}\p{N}]/u.test(character)) return character
  return /[\p{Mn}\p{Me}\p{Cf}]/u.test(character) ? '' : ' '
}
