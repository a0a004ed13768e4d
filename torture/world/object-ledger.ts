/** Whether an object is in its bucket, as far as the answers to its writers tell. */
type Presence = 'there' | 'gone' | 'either'

/** One object as its writers know it: its bytes never change. */
export interface KnownObject {
  readonly bucket: string
  readonly key: string
  readonly bytes: Buffer
  /** False: in the catalog alone, as locks are. */
  readonly inChat: boolean
  presence: Presence
  /**
   * A request about it is under way, or one was never answered: nobody asks for a change of it any more.
   */
  isBusy: boolean
  /** Goes up with every change, so that a look can tell whether anything happened meanwhile. */
  changes: number
}

/**
 * What the writers of a world were told. A put that was answered is there, a delete that was answered is
 * gone, and what was never answered may be either.
 */
export class ObjectLedger {
  readonly #objects = new Map<string, KnownObject>()

  all(): KnownObject[] {
    return [...this.#objects.values()]
  }

  hasAny(presence: Presence): boolean {
    return this.all().some(one => one.presence === presence)
  }

  /** Objects that a writer may choose. */
  free(presence: Presence): KnownObject[] {
    return this.all().filter(one => !one.isBusy && one.presence === presence)
  }

  add(object: Pick<KnownObject, 'bucket' | 'key' | 'bytes' | 'inChat'>): KnownObject {
    const known: KnownObject = { ...object, presence: 'gone', isBusy: false, changes: 0 }
    this.#objects.set(nameOf(object.bucket, object.key), known)
    return known
  }

  find(bucket: string, key: string): KnownObject | undefined {
    return this.#objects.get(nameOf(bucket, key))
  }

  /** A request for a change is on its way; give its end to the function, or nothing when none was heard. */
  begin(object: KnownObject): (end: Presence | undefined) => void {
    object.isBusy = true
    object.presence = 'either'
    object.changes++
    return end => {
      object.changes++
      if (end === undefined) return
      object.presence = end
      object.isBusy = false
    }
  }

  /**
   * Another machine has recovered the chat. What lived in the catalog alone is gone; a delete that the chat
   * had not been told of may not have happened.
   */
  recovered(untold: ReadonlySet<string>): void {
    for (const object of this.all()) {
      if (!object.inChat) object.presence = 'gone'
      else if (object.presence === 'gone' && untold.has(nameOf(object.bucket, object.key))) {
        object.presence = 'either'
        object.isBusy = true
      }
    }
  }

  /** People have deleted what these objects need, or what tells of them: they may be there or not. */
  doubt(isMeant: (object: KnownObject) => boolean): void {
    for (const object of this.all().filter(isMeant)) {
      object.presence = 'either'
      object.isBusy = true
    }
  }
}

/** One name for an object of any bucket. */
function nameOf(bucket: string, key: string): string {
  return `${bucket} ${key}`
}
