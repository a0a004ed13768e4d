/** The restore as a command of the shell. */
export function restoreCommand(id: string, { to, overwrite }: { to: string; overwrite: boolean }): string {
  return `telegram-backup restore ${id} --to ${quoted(to)}${overwrite ? ' --overwrite' : ''}`
}

/** One table into a database that exists, beside the table that is there. `table`: `schema.name`. */
export function restoreTableCommand(id: string, { to, table }: { to: string; table: string }): string {
  return `${restoreCommand(id, { to, overwrite: false })} --table ${quoted(table)} --as ${quoted(`${table}_restored`)}`
}

/** Some files or folders of a directory into a new one. */
export function restorePathCommand(id: string, path: string): string {
  return `${restoreCommand(id, { to: './restored', overwrite: false })} --path ${quoted(path)}`
}

/** One file of a directory as a file. */
export function fetchPathCommand(id: string, path: string): string {
  return `telegram-backup fetch ${id} --path ${quoted(path)} --out ${quoted(fileNameOf(path))}`
}

/** The backup as the file that was sent. */
export function fetchCommand(id: string, filename: string | null): string {
  return `telegram-backup fetch ${id} --out ${quoted(fileNameOf(filename ?? 'backup'))}`
}

/** The restore as a request. `api`: the address of the API, such as `https://host/api/v1`. */
export function restoreRequest(
  api: string,
  { id, target, overwrite }: { id: string; target: string; overwrite: boolean },
): string {
  const body = JSON.stringify({ target, ...(overwrite && { overwrite }) })
  return [
    'curl --fail-with-body -X POST \\',
    '  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\',
    `  -d ${quoted(body)} \\`,
    `  ${quoted(`${api}/backups/${id}/restore`)}`,
  ].join('\n')
}

/** The plain bytes as a request. After a broken connection, the same line goes on where it stopped. */
export function contentRequest(
  api: string,
  { id, filename }: { id: string; filename: string | null },
): string {
  return [
    'curl --fail -C - -H "Authorization: Bearer $KEY" \\',
    `  -o ${quoted(fileNameOf(filename ?? 'backup'))} \\`,
    `  ${quoted(`${api}/backups/${id}/content`)}`,
  ].join('\n')
}

/** A name for a file in the working folder; never a path, an option, or more than one line. */
function fileNameOf(path: string): string {
  const name = path.split(/[/\\]/).at(-1) ?? ''
  const plain = name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '_')
  return /^(-.*|\.{0,2})$/.test(plain) ? `./backup${plain}` : plain
}

/**
 * A word of a POSIX shell. A terminal would obey control characters of what is pasted, also between quotes:
 * the shell makes them from their numbers.
 */
function quoted(text: string): string {
  if (/\p{Cc}/u.test(text)) return `$'${text.replace(/[\\']|\p{Cc}/gu, escaped)}'`
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function escaped(character: string): string {
  if (character === '\\' || character === "'") return `\\${character}`
  const code = character.charCodeAt(0)
  // Those from 0x80 on are two bytes.
  return [...new TextEncoder().encode(String.fromCharCode(code))]
    .map(byte => `\\${byte.toString(8).padStart(3, '0')}`)
    .join('')
}
