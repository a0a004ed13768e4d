import { usageError } from '#commands/command.ts'

/** The options of drills. */
export interface DrillOptions {
  drill?: boolean
  on?: string
  createRoles?: boolean
  trustDump?: boolean
}

/** Throws `USAGE` for an option without the option that it needs. */
export function assertMeantForDrill({ drill, on, createRoles, trustDump }: DrillOptions): void {
  const given = [
    ...(on === undefined ? [] : ['--on']),
    ...(createRoles === true ? ['--create-roles'] : []),
    ...(trustDump === true ? ['--trust-dump'] : []),
  ]
  if (drill !== true && given.length > 0) {
    throw usageError(`${given[0]} needs --drill`, 'Give --drill as well, or leave it out.')
  }
  if (trustDump === true && on !== undefined) {
    throw usageError(
      '--trust-dump cannot be combined with --on: there, the role of the URL restores',
      'Leave out one of the two.',
    )
  }
  if (createRoles === true && on === undefined) {
    throw usageError(
      '--create-roles needs --on: the temporary server of a drill gets all roles anyway',
      'Leave it out.',
    )
  }
}
