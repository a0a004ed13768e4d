/**
 * A queue in which the flows that wait get one turn each, round and round: before an item of a flow goes, at
 * most one of each other flow does for each item of its own flow that is ahead of it, and one for itself.
 * Within a flow the order is that of arrival.
 */
export class FairQueue<Item> {
  /** Only flows that wait; the one whose turn is next comes first. */
  readonly #flows = new Map<string, Item[]>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** A flow that did not wait gets its turn after all others. */
  add(flow: string, item: Item): void {
    const items = this.#flows.get(flow)
    if (items) items.push(item)
    else this.#flows.set(flow, [item])
    this.#size++
  }

  next(): Item | undefined {
    const [first] = this.#flows
    if (first === undefined) return undefined
    const [flow, items] = first
    const item = items.shift()
    this.#size--
    this.#flows.delete(flow)
    if (items.length > 0) this.#flows.set(flow, items)
    return item
  }

  /** Does nothing for an item that does not wait. */
  remove(flow: string, item: Item): void {
    const items = this.#flows.get(flow)
    const at = items?.indexOf(item) ?? -1
    if (items === undefined || at < 0) return
    items.splice(at, 1)
    this.#size--
    if (items.length === 0) this.#flows.delete(flow)
  }

  all(): Item[] {
    return [...this.#flows.values()].flat()
  }
}
