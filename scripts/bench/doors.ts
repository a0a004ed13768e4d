import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BenchRun, ratioFigure } from '#bench/bench-run.ts'
import { LIST, listCosts } from '#bench/door-lists.ts'
import {
  RESTIC_PASSWORD,
  type RepositoryServer,
  restic,
  startDoor,
  startRestServer,
} from '#bench/door-servers.ts'
import { largeObjectCosts } from '#bench/large-object.ts'
import { measure, type Side } from '#bench/measure.ts'
import { writeRandomTree } from '#bench/sources.ts'
import { type BenchVault, requirePrograms } from '#bench/vault.ts'

const BACKUP = 'restic backup through the door / through rest-server'
const RESTORE = 'restic restore through the door / through rest-server'
const MEMORY = 'peak memory of serve'
const FAR = 'restic backup through the door, at the pace of a channel'

/** The pace of a bot in one chat. */
const MESSAGES_PER_MINUTE = 20
/** Of the time that the pace itself takes. */
const FAR_LIMIT = 1.1
const LIMIT_MEBIBYTES = 350

/** What the doors cost; gives what restic backed up, a sentence. */
export async function doorCosts(
  vault: BenchVault,
  run: BenchRun,
  of: { treeMebibytes: number; objectMebibytes: number },
): Promise<string[]> {
  await requirePrograms('restic', 'restic-rest-server')
  const source = join(vault.folder, 'doors-source')
  if (run.isWanted(BACKUP, RESTORE, FAR)) await writeRandomTree(source, of.treeMebibytes)
  const door = await startDoor(vault, { pace: 0 })
  try {
    if (run.isWanted(BACKUP, RESTORE)) {
      await againstRestServer(vault, run, { door, source })
      addPeak(run, 'with one client', await door.peakMebibytes())
    }
    if (run.isWanted(LIST)) {
      await listCosts(vault, run, door)
      addPeak(run, 'with 160 requests at a time, too', await door.peakMebibytes())
    }
  } finally {
    await door.stop()
  }
  await largeObjectCosts(vault, run, of)
  if (run.isWanted(FAR)) await farCosts(vault, run, source)
  return [
    `Files: ${of.treeMebibytes} MiB of random bytes, a sixteenth of them in files of 64 KiB, the rest in files of 4 MiB.`,
  ]
}

function addPeak(run: BenchRun, when: string, mebibytes: number): void {
  run.add({
    what: `${MEMORY}, ${when}`,
    value: `${mebibytes.toFixed(0)} MiB`,
    target: `under ${LIMIT_MEBIBYTES} MiB`,
    reached: mebibytes < LIMIT_MEBIBYTES,
  })
}

/** Backups and restores through the door and through Debian's rest-server, on the same disk. */
async function againstRestServer(
  vault: BenchVault,
  run: BenchRun,
  { door, source }: { door: RepositoryServer; source: string },
): Promise<void> {
  const restServer = await startRestServer(vault.folder)
  try {
    const ours = repositoryOn(door, join(vault.folder, 'restic-ours'))
    const theirs = repositoryOn(restServer, join(vault.folder, 'restic-theirs'))
    const backups = { ours: ours.backup(source), theirs: theirs.backup(source) }
    await run.against(BACKUP, backups, comparison => ratioFigure(comparison, 1.6))
    if (!run.isWanted(RESTORE)) return
    // Without a bench of the backup, there is nothing to restore yet.
    if (!run.isWanted(BACKUP)) for (const side of [backups.ours, backups.theirs]) await measure(side)
    const cache = join(vault.folder, 'home', 'cache', 'packs')
    let used = 0
    // What serve sent a moment ago may lie in its cache; a restore on another day reads the chat.
    const forget = async (): Promise<void> => {
      used += 1
      await rename(cache, join(vault.folder, `cache-${used}`)).catch(() => {})
    }
    const restores = { ours: ours.restore(forget), theirs: theirs.restore() }
    await run.against(RESTORE, restores, comparison => ratioFigure(comparison, 2))
  } finally {
    await restServer.stop()
  }
}

/**
 * A repository of its own for each backup, and restores of the newest one, each into a folder of its own. No
 * run deletes what an earlier one has left: the file system gives that room back to the disk some seconds
 * later, during the run of the other side.
 */
function repositoryOn(
  server: RepositoryServer,
  folder: string,
): { backup(source: string): Side; restore(prepare?: () => Promise<void>): Side } {
  const file = join(folder, 'repository')
  const cache = join(folder, 'cache')
  const target = join(folder, 'restored')
  let used = 0
  const aside = async (path: string): Promise<void> => {
    used += 1
    await rename(path, `${path}-${used}`).catch(() => {})
  }
  const side = (args: readonly string[], prepare: () => Promise<void>): Side => ({
    command: 'restic',
    args: ['--quiet', ...args],
    env: { RESTIC_REPOSITORY_FILE: file, RESTIC_PASSWORD, RESTIC_CACHE_DIR: cache },
    prepare,
    server,
  })
  return {
    backup: source =>
      side(['backup', source], async () => {
        await aside(cache)
        await mkdir(cache, { recursive: true })
        const place = await server.newPlace()
        await writeFile(file, place)
        await restic(place, ['init'], cache)
      }),
    restore: prepare =>
      side(['restore', 'latest', '--target', target], async () => {
        await prepare?.()
        await aside(target)
      }),
  }
}

/**
 * One backup at the pace of a bot in a channel: while its messages wait for the pace, the next ones are made,
 * so that it takes hardly longer than the pace itself.
 */
async function farCosts(vault: BenchVault, run: BenchRun, source: string): Promise<void> {
  const door = await startDoor(vault, { pace: MESSAGES_PER_MINUTE })
  try {
    const sent = (): number => vault.emulator.inspect.calls('senddocument')
    const atStart = sent()
    const { prepare, ...backup } = repositoryOn(door, join(vault.folder, 'restic-far')).backup(source)
    await prepare?.()
    const before = sent()
    const { seconds } = await measure(backup)
    // The first minute's messages go at once; init has used some of them.
    const paceSeconds = Math.floor((sent() - atStart - 1) / MESSAGES_PER_MINUTE) * 60
    const value = `${seconds.toFixed(0)} s for ${sent() - before} messages`
    if (paceSeconds === 0) {
      const target = 'none: the pace lets so few messages go at once'
      return run.add({ what: FAR, value, target, reached: true })
    }
    run.add({
      what: FAR,
      value: `${value}, ${(seconds / paceSeconds).toFixed(2)} of what the pace itself takes`,
      target: `at most ${FAR_LIMIT.toFixed(2)} of the ${paceSeconds} s that the pace takes`,
      reached: seconds <= FAR_LIMIT * paceSeconds,
    })
  } finally {
    await door.stop()
  }
}
