import { violationsIn } from '#torture/judge/verdict.ts'
import { answerOf, type ClientEnd, startClient } from '#torture/play/client.ts'
import type { Run } from '#torture/play/run.ts'
import type { World } from '#torture/world/world.ts'

const RECOVERIES = 3

/**
 * Nothing breaks any more: late calls arrive, `reconcile` brings everything to rest, and the judge looks.
 * Gives what is wrong then.
 */
export async function calmAndJudge(
  world: World,
  runs: readonly Run[],
  tell: (words: string) => void,
): Promise<string[]> {
  const hasRecovered = runs.some(
    ({ order, end }) => order.operation.startsWith('recover') && isDone(world, end),
  )
  const violations = runs.flatMap(({ order, end }) => (end.hung ? [`hung: ${order.args.join(' ')}`] : []))
  // A message that arrives after it was looked for is the worst case: so it is looked for once before.
  if (runs.some(({ api }) => api.held() > 0)) await command(world, ['reconcile', '--json'])
  for (const { api } of runs) await api.close()
  if (!hasRecovered && runs.some(({ order }) => order.operation.startsWith('recover'))) {
    violations.push(...(await recoverAtLast(world)))
  }
  violations.push(...(await reconcile(world, tell)))
  return [...violations, ...(await violationsIn(world))]
}

/**
 * As if the quarter of an hour had passed in which lost messages are looked for: then no open send is left.
 */
export async function judgeAfterAWhile(world: World, tell: (words: string) => void): Promise<string[]> {
  await world.catalog.rows("update control_plane.open_sends set begun_at = begun_at - interval '20 minutes'")
  const violations = await reconcile(world, tell)
  const rows = await world.catalog.rows('select purpose, chat_id from control_plane.open_sends')
  violations.push(
    ...rows.map(row => `limbo: an open send (${row['purpose']}) in ${row['chat_id']} is never closed`),
  )
  return [...violations, ...(await violationsIn(world))]
}

/** One run of the program without anything in between. */
export async function command(world: World, args: readonly string[]): Promise<ClientEnd> {
  const env = { ...world.environment(), TELEGRAM_API_ROOT: world.apiRoot, ...world.catalog.environment() }
  return await startClient(args, { env, cwd: world.folder }).end
}

/**
 * Whether a recovery took place: 3 tells of something missing, which people may have deleted, or of packs
 * that a machine without the chat left there; 4 of an empty chat. One that could not write the index says
 * "Run recover again".
 */
function isDone(world: World, end: ClientEnd): boolean {
  const { code } = end
  const { human } = world
  const mayLack = human.deleted.size > 0 || human.copies.size > 0 || human.pinned || refusesStrays(world, end)
  return code === 0 || code === 4 || (code === 3 && mayLack && answerOf(end)?.['index_failure'] === null)
}

/** Whether it took all but packs that a machine sent after it had lost the chat, and told nobody of. */
function refusesStrays({ strays }: World, end: ClientEnd): boolean {
  const { refused_packs: refused, buckets } = answerOf(end) ?? {}
  if (!Array.isArray(refused) || !Array.isArray(buckets) || refused.length === 0) return false
  const isAllThere = buckets.every(({ lost, findings }) => lost === 0 && findings.length === 0)
  return isAllThere && refused.every(({ pack_id: id }) => strays.has(`pack ${id}`))
}

async function recoverAtLast(world: World): Promise<string[]> {
  let end: ClientEnd | undefined
  for (let tries = 0; tries < RECOVERIES; tries++) {
    end = await command(world, ['recover', '--json'])
    if (isDone(world, end)) return []
  }
  return [`not reconciled: recover ends with ${end?.code}: ${lastWords(end)}`]
}

async function reconcile(world: World, tell: (words: string) => void): Promise<string[]> {
  const end = await command(world, ['reconcile', '--json'])
  const kept = answerOf(end)?.['kept']
  world.kept = new Set(Array.isArray(kept) ? kept.map(one => String(one.backup_id)) : [])
  tell(`  reconcile: exit ${end.code}; ${doneBy(end)}`)
  if (end.hung) return ['hung: reconcile']
  return end.code === 0 ? [] : [`not reconciled: reconcile ends with ${end.code}: ${lastWords(end)}`]
}

/** What a run said at last, in one line. */
export function lastWords(end: ClientEnd | undefined): string {
  return `${end?.stderr.trim()} ${end?.stdout.trim()}`.replace(/\s+/g, ' ').slice(-600)
}

/** What a reconcile tells that it did: the lists of its answer that hold anything. */
function doneBy(end: ClientEnd): string {
  const lists = Object.entries(answerOf(end) ?? {}).filter(
    ([, list]) => Array.isArray(list) && list.length > 0,
  )
  return lists.length === 0 ? 'nothing to do' : JSON.stringify(Object.fromEntries(lists))
}
