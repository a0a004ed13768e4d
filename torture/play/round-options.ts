import type { OperationName } from '#torture/play/operations.ts'
import type { Tally } from '#torture/report/tally.ts'
import type { CatalogServer } from '#torture/world/catalog-server.ts'
import type { World } from '#torture/world/world.ts'

/** What a round is played with. */
export interface RoundOptions {
  readonly world: World
  readonly server: CatalogServer
  readonly tally: Tally
  /** Operations to choose from. */
  readonly operations: ReadonlyArray<readonly [OperationName, number]>
  /** How probable two commands at once are, 0 to 1. */
  readonly together: number
  /** Hears what happens, for --verbose. */
  readonly tell: (words: string) => void
}
