import type { Manifest } from '@telegram-backup/archive'

/** For all manifests together, as far as their lists and parts take memory. */
const MOST_BYTES = 64 * 1024 * 1024
const BYTES_OF_A_PART = 300

/**
 * Manifests that were read lately, so that each look into a folder does not fetch the list from the chat
 * again. The manifest of a backup never changes. Those that were not used for the longest time go first.
 */
export class ManifestCache {
  readonly #mostBytes: number
  readonly #manifests = new Map<string, { manifest: Manifest; bytes: number }>()
  #bytes = 0

  constructor(mostBytes: number = MOST_BYTES) {
    this.#mostBytes = mostBytes
  }

  /** The manifest of this backup; fetched if it is not here. Throws what `fetch` throws. */
  async read(backupId: string, fetch: () => Promise<Manifest>): Promise<Manifest> {
    const known = this.#manifests.get(backupId)
    if (known !== undefined) {
      this.#manifests.delete(backupId)
      this.#manifests.set(backupId, known)
      return known.manifest
    }
    const manifest = await fetch()
    this.#keep(backupId, manifest)
    return manifest
  }

  #keep(backupId: string, manifest: Manifest): void {
    const bytes = bytesOf(manifest)
    // Another request may have fetched it meanwhile.
    if (bytes > this.#mostBytes || this.#manifests.has(backupId)) return
    this.#manifests.set(backupId, { manifest, bytes })
    this.#bytes += bytes
    for (const [oldest, { bytes: freed }] of this.#manifests) {
      if (this.#bytes <= this.#mostBytes) return
      this.#manifests.delete(oldest)
      this.#bytes -= freed
    }
  }
}

function bytesOf({ members, parts }: Manifest): number {
  const { index = '', attributes = '', sha256 = '' } = members ?? {}
  return index.length + attributes.length + sha256.length + parts.length * BYTES_OF_A_PART
}
