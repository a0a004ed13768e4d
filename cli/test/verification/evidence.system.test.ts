import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { loadOrCreateSigningKey, signerFingerprint } from '@telegram-backup/archive'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { LAUNCHER } from '@telegram-backup/test-support/run-cli.ts'
import { openTestCatalog, openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

const run = promisify(execFile)
let vault: TestVault
let env: Record<string, string>
let signer: string
let file: string

beforeAll(async () => {
  vault = await openTestVault()
  env = await cliEnvironment(vault)
  const source = join(vault.folder, 'source')
  await mkdir(source)
  await writeFile(join(source, 'a.txt'), 'one')
  await done(['send', '--project', 'shop', '--type', 'storage', '--directory', source])
  await done(['verify', 'latest', '--drill'])
  const keyFile = join(env['TELEGRAM_BACKUP_HOME'] ?? '', 'signing-key.pem')
  signer = signerFingerprint(await loadOrCreateSigningKey(keyFile))
  await done(['rotate', 'signer', '--yes'])
  await done(['verify', 'latest', '--drill'])
  await done(['evidence', 'review', 'latest:shop', '--by', 'Internal Audit', '--note', 'No exceptions.'])
  file = join(vault.folder, 'evidence.json')
  const page = join(vault.folder, 'evidence.html')
  await done(['evidence', 'export', '--out', file, '--html', page])
})
afterAll(() => vault.close())

async function done(args: string[], over: Record<string, string> = {}): Promise<unknown> {
  const ran = await callCli([...args, '--json'], { env: { ...env, ...over } })
  expect(ran, `${args.join(' ')}: ${ran.stderr}`).toMatchObject({ code: 0 })
  return ran.json()
}

/** In a process without any setting, in a folder with nothing. */
async function verified(path: string, ...more: string[]): Promise<{ code: number; stderr: string }> {
  const cwd = join(vault.folder, 'nothing')
  await mkdir(cwd, { recursive: true })
  const args = ['--', LAUNCHER, 'evidence', 'verify', path, ...more]
  try {
    const { stderr } = await run(process.execPath, args, { cwd, env: { HOME: cwd } })
    return { code: 0, stderr }
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string }
    return { code, stderr }
  }
}

test('an export is verified without settings, catalog or chat, by the key of before a change', async () => {
  expect(await verified(file, '--signer', signer)).toEqual({ code: 0, stderr: '' })
  expect(await verified(file)).toMatchObject({ code: 0, stderr: expect.stringContaining('anybody can') })
  expect(await verified(file, '--signer', `SHA256:${'A'.repeat(43)}=`)).toMatchObject({ code: 5 })
  expect(await verified(file, '--signer', 'mine')).toMatchObject({ code: 2 })
  expect(await verified(join(vault.folder, 'none.json'))).toMatchObject({ code: 4 })
  const text = await readFile(file, 'utf8')
  const changed = join(vault.folder, 'changed.json')
  const lines = text.split('\n')
  for (const other of [text.replace('shop', 'shoq'), lines.toSpliced(3, 1).join('\n'), `${text} `]) {
    await writeFile(changed, other)
    expect(await verified(changed, '--signer', signer)).toMatchObject({ code: 5 })
  }
})

test('the shell loop of docs/format.md says the same, with jq and openssl', async () => {
  const docs = await readFile(join(import.meta.dirname, '../../../docs/format.md'), 'utf8')
  const [, script = ''] = /To check an export without this program.*?```bash\n(.*?)```/s.exec(docs) ?? []
  const loop = (cwd: string): Promise<{ stdout: string }> => run('bash', ['-c', script], { cwd })
  const { stdout } = await loop(vault.folder)
  expect(stdout).toContain(signer)
  expect(stdout).toMatch(/\nwhole\n$/)
  const cwd = join(vault.folder, 'forged')
  await mkdir(cwd)
  const text = await readFile(file, 'utf8')
  for (const other of [text.replace('shop', 'shoq'), text.split('\n').toSpliced(3, 1).join('\n')]) {
    await writeFile(join(cwd, 'evidence.json'), other)
    await expect(loop(cwd)).rejects.toThrow()
  }
})

test('after a recovery on an empty machine the proofs are there, and verify', async () => {
  const empty = await openTestCatalog()
  const over = { ...empty.env, BACKUP_SIGNING_KEY_FILE: join(vault.folder, 'other-key.pem') }
  expect(await done(['recover', '--signer', signer], over)).toMatchObject({ evidence: 3 })
  expect(await done(['evidence', 'list'], over)).toMatchObject([{ number: 3 }, { number: 2 }, { number: 1 }])
  const { verifications } = (await done(['show', 'latest'], over)) as { verifications: unknown[] }
  expect(verifications).toMatchObject([
    { kind: 'drill', state: 'sound', depth: 'contents' },
    { kind: 'drill', state: 'sound', depth: 'contents' },
  ])
  const again = join(vault.folder, 'again.json')
  await done(['evidence', 'export', '--out', again], over)
  expect(await verified(again, '--signer', signer)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('exported by a machine with another key'),
  })
  await empty.discard()
})
