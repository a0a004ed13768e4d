import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '#torture/chance.ts'
import { lastWords } from '#torture/play/calm.ts'
import type { Client } from '#torture/play/client.ts'
import type { FaultPlan } from '#torture/play/fault-plan.ts'
import { chooseKill, type KillPlan } from '#torture/play/kill-plan.ts'
import { begin, type Run } from '#torture/play/run.ts'
import { configOf } from '#torture/service/sources.ts'
import type { Catalog } from '#torture/world/catalog.ts'
import type { CatalogServer } from '#torture/world/catalog-server.ts'
import type { World } from '#torture/world/world.ts'

const GRACE_SECONDS = 2
/** What `serve` promises: the grace and 20 seconds; the rest is for a busy machine. */
const ENDS_WITHIN_MS = (GRACE_SECONDS + 20 + 60) * 1_000
/** A start takes a second or two; the rest is for a busy machine, and a catalog's server that was killed. */
const SERVES_WITHIN_MS = 60_000
/** Longer than any round. */
const HANGS_AFTER_MS = 600_000
/** Changes that each process makes, about; to aim. */
const AIM = { api: 8, sql: 70 }
/** Milliseconds of work at most before something happens that a clock decides. */
const LATEST_MS = 4_000
const MOST_PLANS = 4
/** A pack is read again from the disk. */
const MOST_DOWNLOADS = 3

/** One `serve` of a fleet. */
export interface Member {
  readonly name: string
  readonly kill: KillPlan
  readonly client: Client
  /** Root of its HTTP API as soon as it serves; undefined when it ended before. */
  readonly url: Promise<string | undefined>
  readonly run: Promise<Run>
  isServing: boolean
  hasEnded: boolean
  isAskedToStop: boolean
}

/** Several `serve` on one catalog. Whoever dies is started again, at once or when nobody else is there. */
export class Fleet {
  readonly members: Member[] = []
  readonly violations: string[] = []
  readonly #options: FleetOptions
  readonly #armed = Promise.withResolvers<void>()
  readonly #restarts = new Set<Promise<void>>()
  #plans = 0
  #isEnding = false

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Starts one more; with a plan of what becomes of it, as far as there are plans left. */
  async start(probability: number): Promise<Member> {
    const { world, catalog, chance, faultsFor, tell } = this.#options
    const number = this.members.length + 1
    const branch = chance.branch(`serve ${number}`)
    const kill = this.#chooseKill(branch, probability)
    const order = {
      operation: 'serve',
      args: [
        'serve',
        '--json',
        '--port',
        '0',
        '--grace',
        `${GRACE_SECONDS}s`,
        '--jobs',
        branch.pick(['1', '2', '3']),
      ],
      catalog,
      environment: { TELEGRAM_BACKUP_CONFIG: configOf(world), LOG_LEVEL: 'info' },
      aim: AIM,
    } as const
    // One that dies while it starts is met now and then.
    const isArmedAtOnce = this.#options.plan === undefined && branch.happens(0.15)
    const armed = isArmedAtOnce ? undefined : this.#armed.promise
    const faults = faultsFor(branch)
    const { client, run } = await begin(order, {
      ...this.#options,
      kill,
      faults,
      armed,
      hangsAfterMs: HANGS_AFTER_MS,
    })
    const member: Member = {
      ...{ name: `serve ${number}`, kill, client, run },
      ...{ isServing: false, hasEnded: false, isAskedToStop: false },
      url: client.said(/"url": "(http:[^"]+)"/).then(found => {
        member.isServing = found !== undefined
        return found?.[1]
      }),
    }
    this.members.push(member)
    void this.#watchStart(member)
    void run.then(ended => this.#onEnd(member, ended, branch))
    tell(`  ${member.name} begins`)
    return member
  }

  /** From now on the plans hold. */
  arm(): void {
    this.#armed.resolve()
  }

  /** One that serves, chosen by chance; started if there is none. */
  async anyone(chance: Chance): Promise<Member> {
    for (;;) {
      const there = this.members.filter(({ isServing, hasEnded }) => isServing && !hasEnded)
      if (there.length > 0) return chance.pick(there)
      const starting = this.members.find(({ isServing, hasEnded }) => !isServing && !hasEnded)
      // One that ended before it served has not been buried yet.
      if (starting && (await starting.url) === undefined) await starting.run
      if (starting) continue
      if (this.#restarts.size > 0) await Promise.race(this.#restarts)
      else await (await this.start(0)).url
    }
  }

  /** SIGTERM to all; they end in good order, in the time that they promise. */
  async stop(): Promise<Run[]> {
    this.#isEnding = true
    await Promise.all(this.#restarts)
    await Promise.all(this.members.filter(({ hasEnded }) => !hasEnded).map(member => this.#stop(member)))
    return await Promise.all(this.members.map(({ run }) => run))
  }

  /** SIGKILL to all, as when the machine fails. */
  async killAll(): Promise<Run[]> {
    this.#isEnding = true
    await Promise.all(this.#restarts)
    await Promise.all(this.members.map(({ client }) => client.kill()))
    return await Promise.all(this.members.map(({ run }) => run))
  }

  async #watchStart({ name, url }: Member): Promise<void> {
    const begunAt = performance.now()
    if ((await url) === undefined) return
    const seconds = Math.round((performance.now() - begunAt) / 1_000)
    this.#options.tell(`  ${name} serves after ${seconds} s`)
    if (seconds * 1_000 > SERVES_WITHIN_MS) this.violations.push(`hung: ${name} needed ${seconds} s to serve`)
  }

  async #stop(member: Member): Promise<void> {
    // A process that has not begun yet to listen to signals just dies of one.
    await member.url
    if (member.hasEnded) return
    member.isAskedToStop = true
    // A second word would end it at once.
    const isPlanned = member.kill.kind === 'stop-at'
    if (!isPlanned) member.client.terminate()
    const limitMs = ENDS_WITHIN_MS + (isPlanned ? LATEST_MS : 0)
    const isInTime = await Promise.race([member.run.then(() => true), delay(limitMs, false)])
    if (!isInTime) {
      this.violations.push(`hung: ${member.name} has not ended ${limitMs / 1000} s after SIGTERM`)
      await member.client.kill()
    }
    const { end, met } = await member.run
    // What befalls it at its last moment is a reason of its own.
    if (isInTime && end.code !== 0 && (isPlanned || !met)) {
      this.violations.push(`stop: ${member.name}, idle, ends with ${end.code}: ${lastWords(end)}`)
    }
  }

  #chooseKill(chance: Chance, probability: number): KillPlan {
    const { catalog, plan } = this.#options
    const isEmbedded = catalog.kind === 'embedded'
    if (plan !== undefined) return this.members.length === 0 ? plan : { kind: 'none' }
    if (this.#plans >= MOST_PLANS || !chance.happens(probability)) return { kind: 'none' }
    this.#plans++
    const reads = chance.branch('reads')
    if (this.#options.isRead === true && reads.happens(0.15)) {
      const phase = reads.pick(['before', 'after'] as const)
      return { kind: 'kill-download', phase, number: reads.whole(1, MOST_DOWNLOADS) }
    }
    if (chance.happens(0.15)) return { kind: 'stop-at', ms: chance.whole(0, LATEST_MS) }
    const kill = chooseKill(chance, AIM, { isEmbedded })
    // The server is one for all, and is killed once at a time.
    if (kill.kind === 'kill-server' && this.members.length > 0) return { kind: 'none' }
    return 'ms' in kill ? { ...kill, ms: chance.whole(0, LATEST_MS) } : kill
  }

  #onEnd(member: Member, run: Run, chance: Chance): void {
    const { tell } = this.#options
    member.hasEnded = true
    const { end, hit, met } = run
    const where = hit ? ` (${hit.channel} ${hit.number}: ${hit.what})` : ''
    tell(`  ${member.name} ends with ${end.code ?? 'SIGKILL'}: ${met ? member.kill.kind : 'no plan'}${where}`)
    const isStopped = member.isAskedToStop || (member.kill.kind === 'stop-at' && met)
    // A catalog that goes while a service starts is a reason for it to say so and end.
    const mayGiveUp =
      !member.isServing && (met || this.members.some(({ kill }) => ENDS_THE_CATALOG.has(kill.kind)))
    if (!end.killed && !end.hung && !isStopped && !mayGiveUp) {
      this.violations.push(`ended: ${member.name} ends by itself with ${end.code}: ${lastWords(end)}`)
    }
    if (UNFORESEEN.test(end.stderr)) {
      this.violations.push(`unforeseen: ${member.name}: ${UNFORESEEN.exec(end.stderr)?.[0].slice(0, 400)}`)
    }
    const isAlone = this.members.every(({ hasEnded }) => hasEnded)
    if (this.#isEnding || !(isAlone || chance.happens(0.6))) return
    const restart = delay(chance.whole(0, 1_000))
      .then(() => this.start(0.3))
      .then(() => {})
      .finally(() => this.#restarts.delete(restart))
    this.#restarts.add(restart)
  }
}

/** PostgreSQL ends all connections when one of its processes is killed. */
const ENDS_THE_CATALOG: ReadonlySet<string> = new Set(['kill-server', 'kill-backend', 'kill-embedded'])

/** Lines of the log that tell of a fault of the program's own. */
const UNFORESEEN =
  /^.*("level":"error".*unexpected error|"error":\{"message":"[^"]*","code":"UNEXPECTED").*$/m

interface FleetOptions {
  readonly world: World
  /** On which they work, also when another machine takes the chat over meanwhile. */
  readonly catalog: Catalog
  readonly server: CatalogServer
  readonly chance: Chance
  /** What becomes of the first one, and of it alone; by chance if left out. */
  readonly plan?: KillPlan
  /** Whether somebody reads objects: then some die at a download. */
  readonly isRead?: boolean
  /** What the Bot API does to each. */
  readonly faultsFor: (chance: Chance) => FaultPlan | undefined
  readonly tell: (words: string) => void
}
