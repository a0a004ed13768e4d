import type { Backup, JobProgress } from '@telegram-backup/database'
import { formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import { ProgressMeter } from '@telegram-backup/engine/units/progress-meter.ts'
import { countFact, shareFacts, timeFacts } from '#commands/progress-facts.ts'
import type { ProgressFact } from '#commands/progress-line.ts'

/** Follows the verification of backups, one after the other. */
export class VerifyFollower {
  readonly #backups: readonly Backup[]
  readonly #readData: boolean
  readonly #meter: ProgressMeter
  #index = 0
  #current: JobProgress = { bytes_done: 0, bytes_total: null, parts_done: 0 }

  constructor(of: { backups: readonly Backup[]; readData: boolean; messagesPerMinute: number }) {
    this.#backups = of.backups
    this.#readData = of.readData
    // Each message that is read is first looked at, which makes a copy at the pace of the chat.
    this.#meter = new ProgressMeter({ messagesPerMinute: of.readData ? of.messagesPerMinute : 0 })
  }

  follow(progress: JobProgress, index: number): void {
    this.#index = index
    this.#current = progress
    const before = this.#backups.slice(0, index)
    const after = this.#backups.slice(index + 1)
    const backup = this.#backups[index]
    const own = backup === undefined ? 0 : messagesIn(backup)
    if (this.#readData) {
      const total = progress.bytes_total ?? backup?.archive_size ?? 0
      this.#meter.aim({
        bytes: sum(before, bytesIn) + total + sum(after, bytesIn),
        messages: sum(this.#backups, messagesIn),
      })
      this.#meter.advance({
        bytes: sum(before, bytesIn) + progress.bytes_done,
        messages: sum(before, messagesIn) + own,
      })
      return
    }
    this.#meter.aim({ messages: sum(this.#backups, messagesIn) })
    this.#meter.advance({ messages: sum(before, messagesIn) + Math.min(own, progress.parts_done) })
  }

  facts(): ProgressFact[] {
    const now = this.#meter.read()
    const { parts_done, bytes_done, bytes_total } = this.#current
    const { text, rank } = countFact(parts_done, undefined, 'message')
    return [
      ...this.which(),
      ...shareFacts(now),
      { text: this.#readData ? text : `${text} there`, rank },
      ...(bytes_total === null
        ? []
        : [{ text: `${formatBytes(bytes_done)} of ${formatBytes(bytes_total)} read`, rank: 6 }]),
      ...timeFacts(now),
    ]
  }

  /** Which of several. */
  which(): ProgressFact[] {
    const { length } = this.#backups
    return length === 1 ? [] : [{ text: `backup ${this.#index + 1} of ${length}`, rank: 4 }]
  }
}

function sum(backups: readonly Backup[], of: (backup: Backup) => number): number {
  return backups.reduce((total, backup) => total + of(backup), 0)
}

function bytesIn({ archive_size }: Backup): number {
  return archive_size ?? 0
}

/** The parts and the manifest. */
function messagesIn({ part_count }: Backup): number {
  return (part_count ?? 1) + 1
}
