import type { TimeZones } from '#dump-lines.ts'
import type { DumpLines } from '#postgres/lines/lines-record.ts'

/** How a dump writes what PostgreSQL can write in several ways. */
export interface DumpText {
  encoding: string
  timeZone: string
  byteaOutput: 'hex' | 'escape'
}

const ZONED: readonly string[] = ['timestamptz', 'tstzrange', 'tstzmultirange']
const FLOATS: readonly string[] = [
  ...['float4', 'float8', 'point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle'],
]
/** Since this version, floating-point numbers have the shortest text that is exact. */
const SHORT_FLOATS_SINCE = 12
/** Since this version, a byte above 127 of the type "char" is written as an escape. */
const ESCAPED_CHAR_SINCE = 16
/** A time zone goes into a script for psql. */
const TIME_ZONE = /^[A-Za-z0-9_+\-/:.<>]{1,64}$/

type Written = Pick<DumpLines, 'encoding' | 'server_major'> & TimeZones

/** As the dump was most likely written. */
export function likeliestText({ encoding, time_zones }: Written): DumpText {
  const [timeZone = 'UTC'] = time_zones.filter(zone => TIME_ZONE.test(zone))
  return { encoding, timeZone, byteaOutput: 'hex' }
}

/** All other ways in which a table of such types may have been written. */
export function otherTexts(written: Written, types: ReadonlySet<string>): DumpText[] {
  const first = likeliestText(written)
  const isZoned = ZONED.some(type => types.has(type))
  const zones = isZoned ? written.time_zones.filter(zone => TIME_ZONE.test(zone)) : [first.timeZone]
  const outputs = types.has('bytea') ? (['hex', 'escape'] as const) : (['hex'] as const)
  return zones
    .flatMap(timeZone => outputs.map(byteaOutput => ({ ...first, timeZone, byteaOutput })))
    .filter(text => text.timeZone !== first.timeZone || text.byteaOutput !== first.byteaOutput)
}

/** Why equal rows of such types may have another text than in the dump, for people. */
export function whyUnsure(
  { is_time_zone_known: isZoneKnown, server_major }: Written,
  types: ReadonlySet<string>,
  serverMajor: number,
): string | undefined {
  const isAcross = (version: number): boolean =>
    server_major === null || server_major < version !== serverMajor < version
  if (ZONED.some(type => types.has(type)) && !isZoneKnown)
    return 'it has times with a time zone, and in which zone the dump wrote them is not known'
  if (types.has('money')) return 'it has amounts of money, which a server writes by its locale'
  if (FLOATS.some(type => types.has(type)) && isAcross(SHORT_FLOATS_SINCE))
    return 'it has floating-point numbers, which PostgreSQL writes in another way since 12'
  if (types.has('char') && isAcross(ESCAPED_CHAR_SINCE))
    return 'it has columns of the type "char", which PostgreSQL writes in another way since 16'
  return undefined
}
