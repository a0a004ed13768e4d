import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Runs the script "A bucket by hand" of docs/format.md in a folder of messages and `key.txt`, without any
 * of this program's settings. Gives the folder of objects, which restic opens.
 */
export async function repositoryByHand(messages: string, bucket: string): Promise<string> {
  const page = await readFile(new URL('../../../docs/format.md', import.meta.url), 'utf8')
  const [, script] = /\n#+ A bucket by hand\n[^`]*(?:`[^`\n]+`[^`]*)*```bash\n([^`]+)```/.exec(page) ?? []
  if (script === undefined) throw new Error('docs/format.md has no script under "A bucket by hand"')
  const child = spawn('bash', ['-c', script.replace('bucket=laptops ', `bucket=${bucket} `)], {
    cwd: messages,
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  if (code !== 0) throw new Error(`the script ended with ${code}: ${errors}`)
  return join(messages, 'restored')
}
