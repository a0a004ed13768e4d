import type { Bucket, NewDoorKey } from '#api/generated/types.gen.ts'

/**
 * What to give to the shell in which restic runs. Nothing in it needs quotes: names of buckets, users and
 * keys have only letters, digits, `.`, `_` and `-`.
 * @param page the address of the page, which ends with a slash; the doors are beside it
 */
export function shellLinesOf(
  { user, key, scope }: NewDoorKey,
  { name, objects }: Pick<Bucket, 'name' | 'objects'>,
  page: string,
): string {
  const first = objects === 0 ? 'restic init' : 'restic snapshots'
  return [
    `export RESTIC_REPOSITORY=rest:${page}restic/${name}/`,
    `export RESTIC_REST_USERNAME=${user}`,
    `export RESTIC_REST_PASSWORD=${key}`,
    scope === 'read' ? 'restic snapshots --no-lock' : first,
  ].join('\n')
}
