import type { NewDoorKey } from '#api/generated/types.gen.ts'

/**
 * What to give to the shell in which restic runs. Nothing in it needs quotes: names of buckets, users and
 * keys have only letters, digits, `.`, `_` and `-`.
 * @param page the address of the page, which ends with a slash; the doors are beside it
 */
export function shellLinesOf({ user, key }: NewDoorKey, bucket: string, page: string): string {
  return [
    `export RESTIC_REPOSITORY=rest:${page}restic/${bucket}/`,
    `export RESTIC_REST_USERNAME=${user}`,
    `export RESTIC_REST_PASSWORD=${key}`,
    'restic init',
  ].join('\n')
}
