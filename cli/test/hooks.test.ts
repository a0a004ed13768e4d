import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beginHookRun, endHookRun, listJobLog, sqlRunner } from '@telegram-backup/database'
import { runBackupJob } from '@telegram-backup/engine/job-handlers/backup-job.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import type { CliRun } from '@telegram-backup/test-support/run-cli.ts'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callCli } from '#test/call-cli.ts'

// `before` and `after` of sources, by the real command and by real jobs.

let world: JobsWorld
let env: Record<string, string>
/** Each hook appends a line to it: what it was called with, and what it was told. */
let trace: string

beforeAll(async () => {
  const catalog = await openTestCatalog()
  world = await openJobsWorld(catalog)
  const { vault } = world
  trace = join(vault.folder, 'trace')
  const hook = join(vault.folder, 'hook.sh')
  await writeFile(
    hook,
    `#!/bin/sh
echo "$1 $TELEGRAM_BACKUP_HOOK $TELEGRAM_BACKUP_STATE $TELEGRAM_BACKUP_ERROR_CODE $TELEGRAM_BACKUP_BACKUP_ID" >> ${trace}
env > ${trace}.env
echo "says $1 token=abcdefghijk"
[ "$1" != leak ] || printf '%s\\n' '-----BEGIN PRIVATE KEY-----' MC4CAQAwBQYDK2VwBCIEI '-----END PRIVATE KEY-----'
exit \${2:-0}
`,
    { mode: 0o755 },
  )
  const file = join(vault.folder, 'data.bin')
  await writeFile(file, randomBytes(100_000))
  const source = (name: string, before: string, after: string): string =>
    `  ${name}: { project: alpha, type: storage, file: ${file}, before: ${before}, after: ${after} }`
  const sleeper = `["/bin/sh", "-c", "echo begun >> ${trace}; exec sleep 60"]`
  const yaml = [
    'sources:',
    source('alpha', `[${hook}, quiesce]`, `[[${hook}, resume]]`),
    source(
      'refused',
      `[[${hook}, one, 3], [${hook}, never]]`,
      `[[${hook}, undo-one, 4], [${hook}, undo-two]]`,
    ),
    source('leaky', `[${hook}, leak]`, '[]'),
    source('unclean', '[]', `[${hook}, resume, 5]`),
    source('sleeper', sleeper, `[{ run: [${hook}, resume], timeout: 10s }]`),
    `  gone: { project: alpha, type: storage, file: ${file}.none, after: [${hook}, resume] }`,
    '',
  ]
  const TELEGRAM_BACKUP_CONFIG = world.tools.config.configFile ?? ''
  await writeFile(TELEGRAM_BACKUP_CONFIG, yaml.join('\n'))
  env = { ...(await cliEnvironment(vault)), ...catalog.env, TELEGRAM_BACKUP_CONFIG, SECRET_OF_ANOTHER: 'x' }
})
afterAll(() => world.close())
beforeEach(() => writeFile(trace, ''))

const send = (source: string): Promise<CliRun> => callCli(['send', '--source', source, '--json'], { env })
const traced = async (): Promise<string[]> => (await readFile(trace, 'utf8')).split('\n').slice(0, -1)

describe('send', () => {
  it('runs before and after with the outcome, and shows what they print on stderr', async () => {
    const sent = await send('alpha')
    expect(sent, sent.stderr).toMatchObject({ code: 0 })
    const { databaseRecord } = sent.json() as { databaseRecord: { id: string } }
    expect(await traced()).toEqual(['quiesce before   ', `resume after complete  ${databaseRecord.id}`])
    expect(sent.stderr).toMatch(/^before: says quiesce token=\[hidden\]$/m)
    expect(sent.stderr).toMatch(/^after: .*hook\.sh: exit code 0$/m)
  })

  it('hides each line of a private key that a hook prints', async () => {
    const { code, stderr } = await send('leaky')
    expect([code, stderr.match(/^before: \[hidden\]$/gm)]).toEqual([0, new Array(3).fill('before: [hidden]')])
  })

  it('a quiet send prints what a hook printed only if that hook failed', async () => {
    const quiet = async (source: string): Promise<string> =>
      (await callCli(['send', '--source', source, '--quiet'], { env })).stderr
    expect(await quiet('alpha')).toBe('')
    const failed = await quiet('unclean')
    expect(failed).toMatch(
      /^after: says resume .*\nafter: .*hook\.sh: exit code 5\nerror: The backup is complete, but/,
    )
  })

  it('gives hooks PATH, HOME and the facts, but no token, key or setting of the program', async () => {
    await send('alpha')
    const names = (await readFile(`${trace}.env`, 'utf8')).match(/^\w+(?==)/gm) ?? []
    const ours = ['HOOK', 'SOURCE', 'PROJECT', 'TYPE', 'STATE', 'BACKUP_ID', 'ERROR_CODE']
    const known = [
      'PATH',
      'HOME',
      'PWD',
      'OLDPWD',
      'SHLVL',
      '_',
      ...ours.map(name => `TELEGRAM_BACKUP_${name}`),
    ]
    expect(names.filter(name => !known.includes(name))).toEqual([])
  })

  it('sends nothing when before fails: the rest of before is left out, all of after runs', async () => {
    const messages = world.vault.messageIds()
    const sent = await send('refused')
    expect(sent.code).toBe(1)
    expect(sent.json()).toMatchObject({
      success: false,
      code: 'HOOK',
      error: 'The hook "before" (program 1 of 2) of the source refused failed: exit code 3',
    })
    expect(await traced()).toEqual([
      'one before   ',
      'undo-one after failed HOOK ',
      'undo-two after failed HOOK ',
    ])
    expect(world.vault.messageIds()).toEqual(messages)
    const { rows } = await sqlRunner(world.database).executeSql(
      `select (select count(*)::int from control_plane.backups where state = 'sending') as sending,
              (select count(*)::int from control_plane.hook_runs) as runs,
              (select count(*)::int from control_plane.leases) as leases`,
    )
    expect(rows).toEqual([{ sending: 0, runs: 0, leases: 0 }])
  })

  it('a failed after leaves the backup complete, and ends with exit code 3', async () => {
    const sent = await send('unclean')
    expect(sent.code).toBe(3)
    expect(sent.json()).toMatchObject({
      success: true,
      databaseRecord: { state: 'complete' },
      afterError: { code: 'HOOK', message: 'The hook "after" of the source unclean failed: exit code 5' },
    })
    expect(sent.stderr).toContain('error: The backup is complete, but: The hook "after"')
  })

  it('after also runs for a source that cannot be read', async () => {
    expect(await send('gone')).toMatchObject({ code: 2 })
    expect(await traced()).toEqual(['resume after failed INVALID '])
  })

  it('is refused while another run has the hooks of the source, which is named', async () => {
    const other = await beginHookRun(world.database, 'alpha')
    const refused = await send('alpha')
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.json()).toMatchObject({
      code: 'BUSY',
      error: expect.stringMatching(/^The hooks of the source alpha are in use since .*process \d+ on /),
    })
    expect(await traced()).toEqual([])
    await endHookRun(world.database, other)
  })

  it('waits for the hooks with --retry-lock, and says who has them', async () => {
    const other = await beginHookRun(world.database, 'alpha')
    const waiting = callCli(['send', '--source', 'alpha', '--retry-lock', '60s'], { env })
    await sleep(2_000)
    await endHookRun(world.database, other)
    const sent = await waiting
    expect(sent, sent.stderr).toMatchObject({ code: 0 })
    expect(sent.stderr).toMatch(/^waiting, 60 s at most: The hooks of the source alpha are in use since /m)
    expect(await callCli(['send', '--source', 'alpha', '--retry-lock', 'soon'], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"soon" is not a time span'),
    })
  })

  it('makes up for the after of a run that died, before anything else', async () => {
    const dead = await beginHookRun(world.database, 'alpha')
    await dead.lease.release()
    const sent = await send('alpha')
    expect(sent, sent.stderr).toMatchObject({ code: 0 })
    expect(sent.stderr).toMatch(/warning: the run of alpha that began at .* ended before its hook "after"/)
    expect((await traced()).map(line => line.split(' ').slice(0, 4).join(' '))).toEqual([
      'resume after failed INTERRUPTED',
      'quiesce before  ',
      'resume after complete ',
    ])
  })
})

describe('a job', () => {
  const job = async (source: string) =>
    await world.queue.submit({ kind: 'backup', source, projectId: 'alpha' })

  it('keeps what its hooks print in its log, without secrets', async () => {
    world.run({ backup: runBackupJob })
    const { id } = (await job('alpha')).job
    await world.until(id, 'done')
    await world.stop()
    const lines = await listJobLog(world.database, { jobId: id, limit: 100 })
    expect(lines.map(({ stage, level, text }) => [stage, level, text])).toEqual([
      ['prepare', 'info', 'Backing up the source alpha'],
      ['before', 'info', 'says quiesce token=[hidden]'],
      ['before', 'info', expect.stringMatching(/hook\.sh: exit code 0$/)],
      ['read', 'info', 'The source is open'],
      ['send', 'info', expect.stringMatching(/^About \d messages/)],
      ['send', 'info', expect.stringMatching(/^Sent \d parts?: /)],
      ['record', 'info', expect.stringMatching(/^Backup [0-9a-f-]{36} is complete$/)],
      ['after', 'info', 'says resume token=[hidden]'],
      ['after', 'info', expect.stringMatching(/hook\.sh: exit code 0$/)],
    ])
  })

  it('that is cancelled during before ends it, and runs after', async () => {
    world.run({ backup: runBackupJob }, { also: ['sleeper'] })
    const { id } = (await job('sleeper')).job
    await world.until(id, 'running')
    await expect.poll(traced).toEqual(['begun'])
    await world.queue.cancel(id)
    await world.until(id, 'cancelled')
    await world.stop()
    expect(await traced()).toEqual(['begun', 'resume after cancelled CANCELLED '])
  })

  it('that goes back into the queue because its service stops runs after first', async () => {
    world.run({ backup: runBackupJob }, { also: ['sleeper'] })
    const { id } = (await job('sleeper')).job
    await expect.poll(traced).toEqual(['begun'])
    await world.stop({ graceMs: 10 })
    expect(await traced()).toEqual(['begun', 'resume after cancelled CANCELLED '])
    expect(await world.until(id, 'queued')).toMatchObject({ error: null })
    await world.queue.cancel(id)
  })
})
