/** The restore as a command of the shell. */
export function restoreCommand(id: string, { to, overwrite }: { to: string; overwrite: boolean }): string {
  return `telegram-backup restore ${id} --to ${quoted(to)}${overwrite ? ' --overwrite' : ''}`
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

/** A word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
