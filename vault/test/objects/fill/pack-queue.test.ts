import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PackQueue, type SendTurn } from '#objects/fill/pack-queue.ts'

const AT_ONCE = 3

interface Pack {
  readonly no: number
  readonly objects: number[]
  isClosed: boolean
}

/** The store in small: objects join the pack that waits, or open a new one. */
class Model {
  readonly sent: Pack[] = []
  underWay = 0
  mostUnderWay = 0
  turnsOpen = 0
  #packs = 0
  readonly queue: PackQueue<Pack, SendTurn>

  constructor(scheduler: fc.Scheduler, fails: (pack: Pack) => boolean, capacity: number) {
    this.queue = new PackQueue<Pack, SendTurn>({
      atOnce: AT_ONCE,
      takeTurn: async () => {
        await scheduler.schedule(Promise.resolve(), 'turn')
        this.turnsOpen++
        let isOpen = true
        const release = (): void => {
          if (isOpen) this.turnsOpen--
          isOpen = false
        }
        return { release }
      },
      send: async pack => {
        pack.isClosed = true
        this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay)
        await scheduler.schedule(Promise.resolve(), 'send')
        this.underWay--
        if (fails(pack)) throw new Error(`pack ${pack.no}`)
        this.sent.push(pack)
      },
    })
    this.#capacity = capacity
  }

  readonly #capacity: number
  readonly #answers = new Map<Pack, Promise<void>>()

  async put(object: number): Promise<Pack> {
    const joined = this.queue.find(pack => pack.objects.length < this.#capacity)
    const pack = joined ?? { no: ++this.#packs, objects: [], isClosed: false }
    expect(pack.isClosed).toBe(false)
    pack.objects.push(object)
    if (joined === undefined) this.#answers.set(pack, this.queue.push(pack))
    await this.#answers.get(pack)
    return pack
  }
}

describe('the queue of packs', () => {
  it('sends each object once, in order, in closed packs, and at most three packs at once', async () => {
    const property = fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.nat({ max: 4 }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 6 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 12 })),
      async (scheduler, bursts, capacity, failing) => {
        const model = new Model(scheduler, ({ no }) => failing.includes(no), capacity)
        const answers: Promise<Pack>[] = []
        let objects = 0
        const arrivals = scheduler.scheduleSequence(
          bursts.map(burst => async () => {
            for (let one = 0; one < burst; one++) answers.push(model.put(++objects))
          }),
        )
        await scheduler.waitFor(arrivals.task)
        const settled = await scheduler.waitFor(Promise.allSettled(answers))
        const fulfilled = settled.flatMap((answer, at) => (answer.status === 'fulfilled' ? [at + 1] : []))
        const stored = model.sent.flatMap(pack => pack.objects)
        expect(stored.toSorted((a, b) => a - b)).toEqual(fulfilled)
        expect(settled.filter(({ status }) => status === 'rejected').length).toBe(objects - stored.length)
        for (const { objects } of model.sent) expect(objects).toEqual(objects.toSorted((a, b) => a - b))
        expect(model.mostUnderWay).toBeLessThanOrEqual(AT_ONCE)
        expect(model.turnsOpen).toBe(0)
      },
    )
    await fc.assert(property, { numRuns: 200 })
  })

  it('bundles what comes while turns are used, and sends the first object at once', async () => {
    const turns: (() => void)[] = []
    const sent: number[][] = []
    const queue = new PackQueue<number[], SendTurn>({
      atOnce: AT_ONCE,
      takeTurn: () => new Promise(resolve => turns.push(() => resolve({ release: () => {} }))),
      send: async pack => void sent.push([...pack]),
    })
    const answers: Promise<void>[] = []
    const put = (object: number): void => {
      const waiting = queue.find(() => true)
      if (waiting) waiting.push(object)
      else answers.push(queue.push([object]))
    }
    put(0)
    expect(turns).toHaveLength(1)
    turns.shift()?.()
    await Promise.all(answers)
    for (let object = 1; object <= 1000; object++) put(object)
    expect(turns).toHaveLength(1)
    turns.shift()?.()
    await Promise.all(answers)
    expect(sent.map(({ length }) => length)).toEqual([1, 1000])
  })

  it('fails the oldest pack alone when a turn is refused', async () => {
    let refusals = 1
    const queue = new PackQueue<string, SendTurn>({
      atOnce: AT_ONCE,
      takeTurn: async () => {
        if (refusals-- > 0) throw new Error('refused')
        return { release: () => {} }
      },
      send: async () => {},
    })
    const answers = await Promise.allSettled([queue.push('first'), queue.push('second')])
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  })
})
