import type { Overview, SourceOverview } from '#api/generated/types.gen.ts'
import type { Format } from '#format/format.ts'
import { reasonWords } from '#screens/overview/reason-words.ts'
import { nameOf } from '#screens/overview/source-name.ts'
import type { Words } from '#words/en/index.ts'

/** Reasons after which a source cannot be restored; one that is merely overdue can. */
const LOST: ReadonlySet<string> = new Set(['no_backup', 'drill_differs'])

/** What to know first. The server says it in English; other languages say the same from the states. */
export function sentenceOf(overview: Overview, words: Words, format: Format): string {
  const compose = words.overview.sentence
  if (compose === undefined) return overview.sentence
  const { sources, buckets, reasons, as_of } = overview
  const lost = sources.filter(isLost)
  const provable = sources.filter(source => !isLost(source))
  const names = (some: readonly SourceOverview[]): string[] => some.map(source => nameOf(source, words))
  const oldest = provable
    .flatMap(source =>
      source.proof.at !== null && source.proof.ok === true ? [{ source, at: source.proof.at }] : [],
    )
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))[0]
  return compose({
    total: sources.length,
    lost: names(lost),
    late: names(sources.filter(source => source.state === 'broken' && !isLost(source))),
    uneasy: names(sources.filter(({ state }) => state === 'attention')),
    buckets: buckets.length,
    uneasyBuckets: buckets.filter(({ state }) => state !== 'ok').map(({ name }) => name),
    isChatAway: reasons.some(({ code }) => code === 'chat_unreachable'),
    reasons: reasons.map(({ code, text }) => reasonWords(code, words)?.title ?? text),
    unproven: names(provable.filter(({ proof }) => proof.at === null)),
    oldest: oldest && {
      name: nameOf(oldest.source, words),
      ago: format.relative(oldest.at, new Date(as_of)),
    },
  })
}

function isLost({ state, reasons }: SourceOverview): boolean {
  return state === 'broken' && reasons.some(({ code }) => LOST.has(code))
}
