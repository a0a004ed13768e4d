import type { ClientProgram } from '#postgres/client-programs.ts'

/** Releases from which on psql knows `\restrict`, by major version; from 18 on all do. */
const RESTRICT_SINCE: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 }

/** Whether this psql can be told to obey no commands of its own (CVE-2025-8714). A beta is taken for one that cannot. */
export function knowsRestrict({ major, version }: Pick<ClientProgram, 'major' | 'version'>): boolean {
  const minor = /^\d+\.(\d+)/.exec(version)?.[1]
  if (minor === undefined) return false
  return major >= 18 || Number(minor) >= (RESTRICT_SINCE[major] ?? Number.POSITIVE_INFINITY)
}
