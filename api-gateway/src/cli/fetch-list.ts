import { formatBytes } from '#cli/human-units.ts'
import type { Output } from '#cli/output.ts'
import type { MemberFetchOptions } from '#restore/member/fetch-member.ts'

/** Prints the members of a directory backup: an array with `--json`, else a line each. */
export async function listMembers(output: Output, from: MemberFetchOptions): Promise<void> {
  const { MemberFetch } = await import('#restore/member/fetch-member.ts')
  const members = await Array.fromAsync(new MemberFetch(from).members())
  output.answer(
    members.map(({ path, size, kind }) => ({ path, size, kind })),
    () =>
      members
        .map(
          ({ path, size, kind }) => `${(kind === 'file' ? formatBytes(size) : kind).padStart(12)}  ${path}`,
        )
        .join('\n'),
  )
}
