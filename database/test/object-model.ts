/** A version as the model has it. */
export interface ModelVersion {
  id: string
  sha256: string
  storedAt: Date
  /** Of two, the later one is the greater. */
  sequence: number
  place: number
  isLive: boolean
}

interface ModelPut {
  id: string
  key: string
  sha256: string
  storedAt: Date
  moves?: string | undefined
}

/** The rules of a bucket in a few lines: of two versions the greater one counts, and nothing comes back. */
export class ObjectModel {
  readonly #versions = new Map<string, ModelVersion[]>()

  confirm(pack: { sequence: number; puts: readonly ModelPut[]; deletes: readonly string[] }): void {
    for (const [place, put] of pack.puts.entries()) this.#put(put, { sequence: pack.sequence, place })
    for (const version of [...this.#versions.values()].flat()) {
      if (pack.deletes.includes(version.id)) version.isLive = false
    }
  }

  #put({ id, key, sha256, storedAt, moves }: ModelPut, at: { sequence: number; place: number }): void {
    const versions = this.#versions.get(key) ?? []
    this.#versions.set(key, versions)
    const moved = versions.find(version => version.id === moves)
    if (moved !== undefined) {
      moved.id = id
      return
    }
    const isOld = versions.some(other => other.sequence > at.sequence)
    if (!isOld) for (const version of versions) version.isLive = false
    versions.push({ id, sha256, storedAt, ...at, isLive: !isOld })
  }

  /** The id of the version that was live. */
  remove(key: string): string | undefined {
    const live = this.live().get(key)
    if (live !== undefined) live.isLive = false
    return live?.id
  }

  live(): Map<string, ModelVersion> {
    const live = new Map<string, ModelVersion>()
    for (const [key, versions] of [...this.#versions].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const version = versions.find(({ isLive }) => isLive)
      if (version !== undefined) live.set(key, version)
    }
    return live
  }

  /** The SHA-256 of each live object. */
  liveObjects(): Map<string, string> {
    return new Map([...this.live()].map(([key, { sha256 }]) => [key, sha256]))
  }
}
