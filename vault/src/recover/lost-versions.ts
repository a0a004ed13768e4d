import type { RefusedImport, ReplayedRecord } from '@telegram-backup/database'

/** The newest versions of keys that the catalog did not take, since no chat has shown all of their packs. */
export class LostVersions {
  readonly #byKey = new Map<string, { id: string; sequence: number }>()

  get keys(): string[] {
    return [...this.#byKey.keys()]
  }

  /** Versions that a checkpoint lists; the records of packs come after them. */
  add(refused: readonly RefusedImport[]): void {
    for (const { id, key } of refused) if (key !== undefined) this.#byKey.set(key, { id, sequence: 0 })
  }

  /** A pack was replayed: it may have lost versions, and overwrite or delete some that were lost before. */
  follow(pack: {
    sequence: number
    records: readonly ReplayedRecord[]
    refused: readonly RefusedImport[]
  }): void {
    const { sequence, records } = pack
    const refused = new Set(pack.refused.map(({ id }) => id))
    for (const record of records) {
      if ('fragment' in record) continue
      const key = 'put' in record ? record.put : record.delete
      const known = this.#byKey.get(key)
      const isLater = 'put' in record ? (known?.sequence ?? 0) <= sequence : known?.id === record.id
      if (!isLater) continue
      if (refused.has(record.id)) this.#byKey.set(key, { id: record.id, sequence })
      else this.#byKey.delete(key)
    }
  }
}
