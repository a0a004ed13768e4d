import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { answerOf, type Client, type ClientEnd, startClient } from '#torture/play/client.ts'
import type { FaultPlan } from '#torture/play/fault-plan.ts'
import { gateOf, type KillPlan } from '#torture/play/kill-plan.ts'
import type { Order } from '#torture/play/operations.ts'
import { type ApiProxy, openApiProxy } from '#torture/proxies/api-proxy.ts'
import type { Gate, Moment } from '#torture/proxies/moments.ts'
import { openSqlProxy, type SqlProxy } from '#torture/proxies/sql-proxy.ts'
import type { Catalog } from '#torture/world/catalog.ts'
import type { CatalogServer } from '#torture/world/catalog-server.ts'
import type { World } from '#torture/world/world.ts'

/** An order carried out, with what was done to it. */
export interface Run {
  readonly order: Order
  readonly end: ClientEnd
  /**
   * Whether the kill plan came true, and at which moment when it was one; or else the run was over before.
   */
  readonly met: boolean
  readonly hit: Moment | undefined
  readonly calls: number
  readonly statements: number
  /** Bot API calls that are still to be delivered: `api.deliverLate()`. */
  readonly api: ApiProxy
}

interface RunOptions {
  readonly world: World
  readonly server: CatalogServer
  readonly kill: KillPlan
  readonly faults?: FaultPlan | undefined
  /** Until it resolves nothing goes wrong; nobody waits for it if left out. */
  readonly armed?: Promise<void> | undefined
  /** Milliseconds after which it counts as hanging; those of a command if left out. */
  readonly hangsAfterMs?: number | undefined
}

/** Runs the real program on an order, with its own proxies in front of the chat and the catalog. */
export async function carryOut(order: Order, options: RunOptions): Promise<Run> {
  return await (await begin(order, options)).run
}

/** As `carryOut`, for whoever has something to do with the program while it runs. */
export async function begin(
  order: Order,
  options: RunOptions,
): Promise<{ client: Client; run: Promise<Run> }> {
  const { world, server, kill, faults, armed } = options
  let client: Client | undefined
  let hit: Moment | undefined
  let met = false
  let restarted: Promise<void> | undefined
  let sql: SqlProxy | undefined
  const gate = gateOf(kill, {
    killClient: async () => client?.kill(),
    killBackends: async () => {
      const { recovered } = await server.killBackends(sql?.backendPids() ?? [])
      restarted = recovered
      recovered.catch(() => {})
    },
    killServer: async () => {
      restarted = server.killAndRestart()
      await restarted
    },
    onHit: moment => {
      hit = moment
      met = true
    },
  })
  let isArmed = armed === undefined
  void armed?.then(() => {
    isArmed = true
  })
  let isOver = false
  const armedGate: Gate = moment => (isArmed && !isOver ? gate(moment) : 'pass')
  const api = await openApiProxy(world.apiRoot, {
    gate: armedGate,
    faultFor: method => (isArmed ? faults?.faultFor(method) : undefined),
  })
  const { catalog = world.catalog } = order
  if (catalog.kind === 'url') sql = await openSqlProxy(server.port, armedGate)
  const started = startClient(order.args, {
    env: {
      ...world.environment(catalog),
      TELEGRAM_API_ROOT: api.url,
      ...catalog.environment(sql?.port),
      ...order.environment,
    },
    cwd: world.folder,
    input: order.input,
    hangsAfterMs: options.hangsAfterMs,
  })
  client = started
  const finish = async (): Promise<Run> => {
    if ('ms' in kill) {
      const isThere = await isThereAfter(started, kill.ms, armed)
      if (kill.kind === 'kill-at') await started.kill()
      if (kill.kind === 'kill-embedded') met = await killEmbeddedServer(catalog)
      if (kill.kind === 'stop-at' && isThere) {
        started.terminate()
        met = true
      }
    }
    const end = await started.end
    // Its last words may only be read now; a server killed over them would be away when everybody believes
    // that all is calm.
    isOver = true
    // A client need not outlive the start of the server, nor its recovery.
    await restarted
    met ||= end.killed
    learn(world, order, end)
    // What was on its way when the client died is carried out, as a server does.
    await sql?.close()
    return { order, end, met, hit, calls: api.calls(), statements: sql?.statements() ?? 0, api }
  }
  return { client: started, run: finish() }
}

/** Waits; gives whether the program is still there then. */
async function isThereAfter({ end }: Client, ms: number, armed: Promise<void> | undefined): Promise<boolean> {
  const isOver = end.then(() => false)
  const after = async (): Promise<boolean> => {
    await armed
    await delay(ms)
    return true
  }
  return await Promise.race([isOver, after()])
}

function learn(world: World, { operation, given }: Order, end: ClientEnd): void {
  if (end.code !== 0 || !operation.startsWith('send')) return
  const record = answerOf(end)?.['databaseRecord'] as { id: string; plain_sha256?: string } | undefined
  const sha256 = given ?? record?.plain_sha256
  if (record && sha256 !== undefined) world.acknowledged.set(record.id, sha256)
}

/** SIGKILL to the main process of the catalog's own server; gives whether there was one. */
async function killEmbeddedServer({ home }: Catalog): Promise<boolean> {
  for await (const file of glob(join(home, '*', 'postmaster.pid'))) {
    const pid = Number((await readFile(file, 'utf8')).split('\n')[0])
    if (pid > 0) endQuietly(pid)
    return pid > 0
  }
  return false
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}
