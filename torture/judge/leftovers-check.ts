import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { World } from '#torture/world/world.ts'

/** What a killed program has started notices that by itself, a little later; on a busy machine much later. */
const GONE_WITHIN_MS = 30_000
const LOOK_EVERY_MS = 20

/** No process of the program is left, and no temporary file. */
export async function leftoversCheck(world: World): Promise<string[]> {
  const until = performance.now() + GONE_WITHIN_MS
  while (processesOf(world.folder).length > 0 && performance.now() < until) await delay(LOOK_EVERY_MS)
  const violations = processesOf(world.folder).map(name => `left: process ${name}`)
  for (const name of readdirSync(join(world.folder, 'tmp'))) violations.push(`left: temporary file ${name}`)
  return violations
}

/**
 * Processes whose environment names the world's folder. An embedded server has none of it, and ends by
 * itself.
 */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').flatMap(pid => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const belongs = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder)
      const state = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
      return belongs && state !== 'Z' ? [`${pid} ${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()}`] : []
    } catch {
      // It ended meanwhile, or is somebody else's.
      return []
    }
  })
}
