import { BackupError } from '@telegram-backup/errors'

/** How drills are to be made. */
export interface DrillOptions {
  drill?: boolean
  on?: string
  createRoles?: boolean
  trustDump?: boolean
}

/** Throws `USAGE` for options that mean nothing without one another. */
export function assertMeantForDrill({ drill, on, createRoles, trustDump }: DrillOptions): void {
  const given = [
    ...(on === undefined ? [] : ['--on']),
    ...(createRoles === true ? ['--create-roles'] : []),
    ...(trustDump === true ? ['--trust-dump'] : []),
  ]
  if (drill !== true && given.length > 0) {
    throw new BackupError(`${given[0]} is only for --drill`, {
      code: 'USAGE',
      hint: 'Give --drill as well, or leave it out.',
    })
  }
  if (trustDump === true && on !== undefined) {
    throw new BackupError(
      '--trust-dump is only for a server of its own: with --on, the role of the URL restores',
      {
        code: 'USAGE',
        hint: 'Leave out one of the two.',
      },
    )
  }
  if (createRoles === true && on === undefined) {
    throw new BackupError('--create-roles is only for --on: a server of its own gets all roles by itself', {
      code: 'USAGE',
      hint: 'Leave it out.',
    })
  }
}
