/** A part of the service that runs until it is stopped. */
export interface ServicePart {
  /** Resolves when nothing of it runs any more. Never throws. */
  stop(): Promise<void>
}
