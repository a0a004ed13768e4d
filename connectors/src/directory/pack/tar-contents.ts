import { type Member, type MemberIndex, MemberIndexWriter, shownName } from '@telegram-backup/archive'
import type { DevicesRecord } from '#directory/devices.ts'
import { isDeviceLine, parseMemberLine } from '#directory/pack/member-lines.ts'
import { componentsOf, leadsOutside, type OutsideLinksRecord } from '#directory/pack/outside-links.ts'

/** How many links that lead out, and devices, the record names. */
const MAX_NAMED = 50

/** Counts the members that tar writes, and notes their offsets. */
export class TarContents {
  /** `bytes` are the sizes of the files; those of sparse ones include holes. */
  readonly counts: { files: number; directories: number; bytes: number } = {
    files: 0,
    directories: 0,
    bytes: 0,
  }
  readonly links: OutsideLinksRecord = { outside_link_count: 0, outside_links: [] }
  readonly devices: DevicesRecord = { device_count: 0, devices: [] }
  readonly #index = new MemberIndexWriter()
  #isWhole = true

  /** Takes one line of tar's list, Latin-1. Returns its member. */
  hear(line: string): Member | undefined {
    const member = parseMemberLine(line)
    if (member === undefined) {
      // An incomplete list would hide a file; without a list, the whole backup is read to find it.
      this.#isWhole = false
      return undefined
    }
    this.#index.add(member)
    if (member.kind === 'file') this.counts.files += 1
    if (member.kind === 'symlink') this.#addLink(member)
    if (isDeviceLine(line)) this.#addDevice(member)
    if (member.kind === 'directory') this.counts.directories += 1
    this.counts.bytes += member.size
    return member
  }

  #addDevice({ path }: Member): void {
    this.devices.device_count += 1
    if (this.devices.devices.length < MAX_NAMED) this.devices.devices.push(shownName(path))
  }

  #addLink({ path, attributes }: Member): void {
    const text = attributes?.link ?? ''
    if (!leadsOutside(componentsOf(path), text)) return
    this.links.outside_link_count += 1
    if (this.links.outside_links.length < MAX_NAMED)
      this.links.outside_links.push({ path: shownName(path), target: shownName(text) })
  }

  /**
   * Undefined when there are too many members for a manifest, or a line could not be read. To be called once.
   * @param sha256 of each file, in order
   */
  finishIndex(sha256: Uint8Array | undefined): MemberIndex | undefined {
    const index = this.#index.finish(sha256)
    return this.#isWhole ? index : undefined
  }
}
