import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { filePathInUrl } from '#bot-api/file-download.ts'
import { createTelegramClient } from '#index.ts'
import { QUICK_POLICY } from '#test/emulated-chat.ts'
import { failureOf } from '#test/odd-exchange.ts'
import { oddServer } from '#test/odd-server.ts'
import { TOKEN } from '#test/token-forms.ts'

const BYTES = Buffer.from('the bytes of a part')

/** Downloads what a server with --local names by this path; it serves no file itself. */
async function downloadLocal(path: string, maxBytes = 1000): Promise<Buffer> {
  const server = await oddServer(async ({ head, json, readBody }) => {
    await readBody()
    if (head.includes('/getFile')) json(200, { ok: true, result: { file_path: path } })
    else json(404, { ok: false, error_code: 404, description: 'Not Found' })
  })
  const client = createTelegramClient({ token: TOKEN, apiRoot: server.url, policy: QUICK_POLICY })
  return (await client.downloadFile('file', { maxBytes })).bytes
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'telegram-local-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

describe('a file on the disk of a Bot API server run with --local', () => {
  test('is read there, also through a link', async () => {
    const path = join(await folder(), 'file_1.age')
    await writeFile(path, BYTES)
    await symlink(path, `${path}.link`)
    expect((await downloadLocal(path)).equals(BYTES)).toBe(true)
    expect((await downloadLocal(`${path}.link`)).equals(BYTES)).toBe(true)
    expect((await downloadLocal(path, BYTES.length)).equals(BYTES)).toBe(true)
  })

  test('is not taken when it is longer than it may be', async () => {
    const path = join(await folder(), 'file_1.age')
    await writeFile(path, BYTES)
    const error = await failureOf(downloadLocal(path, BYTES.length - 1))
    expect(error.code).toBe('UNPROVEN')
  })

  test.each(['/dev/zero', '/dev/null', '/', '/proc/self/fd', '/tmp'])(
    'is not taken when it is %s',
    async path => {
      await expect(failureOf(downloadLocal(path))).resolves.toMatchObject({ code: 'UNPROVEN' })
    },
  )

  test('is not even opened when it is no file', async () => {
    const path = join(await folder(), 'fifo')
    execFileSync('bash', ['-c', 'mkfifo "$0"', path])
    // Waits until somebody opens the other end.
    const writer = spawn('bash', ['-c', 'echo waiting; exec 3>"$0"; echo opened', path])
    const ended = once(writer, 'close')
    let said = ''
    writer.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await once(writer.stdout, 'data')
    for (let look = 0; look < 20; look++) await failureOf(downloadLocal(path))
    writer.kill()
    await ended
    expect(said).toBe('waiting\n')
  })

  test('is not waited for when it is a FIFO', async () => {
    const path = join(await folder(), 'fifo')
    execFileSync('bash', ['-c', 'mkfifo "$0"', path])
    await expect(failureOf(downloadLocal(path))).resolves.toMatchObject({ code: 'UNPROVEN' })
  })

  test('holds no more than its length said, whatever reading gives', async () => {
    // A file of the kernel's says that it is empty, and is not.
    expect(await downloadLocal('/proc/self/status')).toHaveLength(0)
  })

  test('that cannot be read is a matter of configuration, not a lost part', async () => {
    const error = await failureOf(downloadLocal(join(await folder(), 'none')))
    expect(error).toMatchObject({ code: 'CONFIGURATION', message: expect.stringContaining('ENOENT') })
    expect(error.hint).toContain('--local')
  })
})

describe('a path below the file route', () => {
  test('is encoded', () => {
    expect(filePathInUrl('documents/file_1.age')).toBe('documents/file_1.age')
    expect(filePathInUrl('documents/a b?c#d%/é')).toBe('documents/a%20b%3Fc%23d%25/%C3%A9')
  })

  test.each(['/etc/passwd', '..', '../x', 'a/../../x', './x', 'a//b', '', 'a/', 'a\ud800'])(
    'is not %j',
    path => {
      expect(() => filePathInUrl(path)).toThrow(expect.objectContaining({ code: 'UNPROVEN' }))
    },
  )
})
