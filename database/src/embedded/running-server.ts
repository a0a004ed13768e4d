import { join, resolve } from 'node:path'
import { findPostgresPackage } from '#embedded/binaries.ts'
import { findPostmaster } from '#embedded/postmaster.ts'
import { identify } from '#embedded/processes.ts'

/** Whether the embedded server of that state folder runs. Makes and starts nothing. */
export function isEmbeddedServerRunning(stateFolder: string): boolean {
  const data = identify(join(resolve(stateFolder), `pg${findPostgresPackage().major}`))
  return data !== undefined && findPostmaster(data) !== undefined
}
