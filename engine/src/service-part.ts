/** Something that runs until it is stopped. */
export interface ServicePart {
  /** Resolves when nothing of it runs any more. Never throws, and takes no longer than it must. */
  stop(): Promise<void>
}
