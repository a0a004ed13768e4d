export type MemberOption = 'admin' | 'inherit' | 'set'

/** One for each role and member, also where several roles have granted it. */
export interface DumpedMembership {
  role: string
  member: string
  options: ReadonlyMap<MemberOption, boolean>
  grantors: string[]
}

/** What a grant gives that does not name the option. */
const UNNAMED: Readonly<Record<MemberOption, boolean>> = { admin: false, inherit: true, set: true }

/**
 * Since PostgreSQL 16 several roles may grant a membership, and the member has what any of them gives. The
 * restoring role is the only grantor on the new server, where a second grant would take back from the first.
 */
export function together(earlier: DumpedMembership | undefined, grant: DumpedMembership): DumpedMembership {
  if (earlier === undefined) return grant
  const gives = ({ options }: DumpedMembership, option: MemberOption): boolean =>
    options.get(option) ?? UNNAMED[option]
  const named = new Set([...earlier.options.keys(), ...grant.options.keys()])
  const options = new Map(
    [...named].map(option => [option, gives(earlier, option) || gives(grant, option)] as const),
  )
  earlier.grantors.push(...grant.grantors)
  return { ...earlier, options }
}
