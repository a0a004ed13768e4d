import { paceSeconds } from '#units/pace.ts'

/** How much there is to do; what is left out is unknown, or does not count. */
export interface ProgressGoal {
  /** Plain bytes, or bytes as sent: whichever the progress counts. */
  bytes?: number | undefined
  /** Messages that the pace of the chat counts. */
  messages?: number | undefined
}

/** The totals so far. */
export interface ProgressState {
  bytes?: number
  messages?: number
}

export interface ProgressReading {
  bytes: number
  messages: number
  /** 0 to 1; never less than in an earlier reading of the same work. Undefined without a goal. */
  fraction: number | undefined
  /** While it worked, without waits for the pace. Undefined at the very beginning. */
  bytesPerSecond: number | undefined
  /** Not less than the pace of the chat allows. Undefined when nothing is known about it. */
  secondsLeft: number | undefined
  /** Since the work started. */
  seconds: number
}

export interface MeterOptions {
  /** 0 = no pace. */
  messagesPerMinute?: number
  /** Milliseconds; never goes back. */
  now?: () => number
}

/** After so many seconds of work, an old rate counts a third. */
const MEMORY_SECONDS = 15
/** A rate over less time says nothing. */
const SHORTEST_SECONDS = 0.5
/** Fewer bytes may be headers alone, and say nothing about the rate of what follows. */
const FEWEST_BYTES = 64 * 1024

/** Measures the progress of one piece of work: its share, its rate, and the time that is left. */
export class ProgressMeter {
  readonly #perMinute: number
  readonly #now: () => number
  #goal: ProgressGoal = {}
  #startMs: number
  #bytes = 0
  #messages = 0
  #fraction = 0
  /** When messages of the last minute were counted, oldest first. */
  #messagesAt: number[] = []
  /** Bytes and seconds of work, the older ones weigh less. */
  #rate = { bytes: 0, seconds: 0 }
  #workedUntilMs: number
  #waitsUntilMs = 0

  constructor({ messagesPerMinute = 0, now = () => performance.now() }: MeterOptions = {}) {
    this.#perMinute = messagesPerMinute
    this.#now = now
    this.#startMs = now()
    this.#workedUntilMs = this.#startMs
  }

  /** Begins another piece of work. The rate and the pace stay. */
  start(goal: ProgressGoal): void {
    this.#goal = goal
    this.#startMs = this.#now()
    this.#workedUntilMs = this.#startMs
    this.#bytes = 0
    this.#messages = 0
    this.#fraction = 0
  }

  /** The goal may become known, or change, on the way. */
  aim(goal: ProgressGoal): void {
    this.#goal = goal
  }

  /** Takes totals. A total that is lower than before counts as unchanged. */
  advance({ bytes = 0, messages = 0 }: ProgressState): void {
    const nowMs = this.#now()
    if (bytes > this.#bytes) {
      this.#work(bytes - this.#bytes, nowMs)
      this.#bytes = bytes
    }
    if (messages <= this.#messages) return
    if (this.#perMinute > 0) {
      const news = Math.min(messages - this.#messages, this.#perMinute)
      this.#messagesAt.push(...Array.from({ length: news }, () => nowMs))
      this.#messagesAt = this.#messagesAt.slice(-this.#perMinute)
    }
    this.#messages = messages
  }

  /** The work waits for the chat: this time does not lower the rate. */
  wait(seconds: number): void {
    const nowMs = this.#now()
    if (nowMs >= this.#waitsUntilMs) this.#work(0, nowMs)
    this.#waitsUntilMs = Math.max(this.#waitsUntilMs, nowMs + seconds * 1000)
  }

  read(): ProgressReading {
    const nowMs = this.#now()
    const { bytes, seconds } = this.#rateAt(nowMs)
    const isKnown = seconds >= SHORTEST_SECONDS && (this.#bytes === 0 || this.#bytes >= FEWEST_BYTES)
    const bytesPerSecond = isKnown ? bytes / seconds : undefined
    const share = this.#share()
    if (share !== undefined) this.#fraction = Math.max(this.#fraction, share)
    return {
      bytes: this.#bytes,
      messages: this.#messages,
      fraction: share === undefined ? undefined : this.#fraction,
      bytesPerSecond,
      secondsLeft: this.#secondsLeft(nowMs, bytesPerSecond),
      seconds: (nowMs - this.#startMs) / 1000,
    }
  }

  #share(): number | undefined {
    const { bytes, messages } = this.#goal
    if (bytes !== undefined) return shareOf(this.#bytes, bytes)
    return messages === undefined ? undefined : shareOf(this.#messages, messages)
  }

  /** The longer of what the bytes take at the rate, and what the messages take at the pace. */
  #secondsLeft(nowMs: number, bytesPerSecond: number | undefined): number | undefined {
    const { bytes, messages } = this.#goal
    const bytesLeft = bytes === undefined ? 0 : Math.max(0, bytes - this.#bytes)
    const messagesLeft = messages === undefined ? 0 : Math.max(0, Math.ceil(messages - this.#messages))
    const byRate = this.#byRate(bytesLeft, bytesPerSecond)
    const byPace = this.#byPace(nowMs, messagesLeft)
    if (bytes === undefined) return messages === undefined ? undefined : this.#byCount(nowMs, byPace)
    return byRate === undefined ? undefined : Math.max(byRate, byPace)
  }

  #byPace(nowMs: number, messagesLeft: number): number {
    if (this.#perMinute === 0) return 0
    const agesSeconds = this.#messagesAt.map(at => (nowMs - at) / 1000)
    return paceSeconds({ messages: messagesLeft, perMinute: this.#perMinute, agesSeconds })
  }

  #byRate(bytesLeft: number, bytesPerSecond: number | undefined): number | undefined {
    if (bytesLeft === 0) return 0
    return bytesPerSecond ? bytesLeft / bytesPerSecond : undefined
  }

  /** Without bytes: each message takes as long as those so far, but not less than the pace allows. */
  #byCount(nowMs: number, byPace: number): number | undefined {
    const left = Math.max(0, (this.#goal.messages ?? 0) - this.#messages)
    if (this.#messages === 0) return left === 0 || byPace > 0 ? byPace : undefined
    // Waits for the pace are in byPace already, and would count twice.
    const worked = this.#perMinute > 0 ? 0 : (nowMs - this.#startMs) / 1000 / this.#messages
    return Math.max(worked * left, byPace)
  }

  #work(bytes: number, nowMs: number): void {
    const { bytes: before, seconds } = this.#rateAt(nowMs)
    this.#rate = { bytes: before + bytes, seconds }
    this.#workedUntilMs = nowMs
  }

  /** The rate with the work since the last bytes; waits are left out. */
  #rateAt(nowMs: number): { bytes: number; seconds: number } {
    const fromMs = Math.max(this.#workedUntilMs, Math.min(nowMs, this.#waitsUntilMs))
    const worked = (nowMs - fromMs) / 1000
    const weight = Math.exp(-worked / MEMORY_SECONDS)
    return { bytes: this.#rate.bytes * weight, seconds: this.#rate.seconds * weight + worked }
  }
}

function shareOf(done: number, goal: number): number {
  return goal <= 0 ? 1 : Math.min(1, done / goal)
}
