import type { Counts } from '#torture/report/tally.ts'

/** The tables of what was tried, in Markdown. */
export function tablesOf({ kills, faults, humans, runs, together }: Counts): string {
  const operations = [...kills.keys()].sort()
  const kinds = [...new Set([...kills.values()].flatMap(row => [...row.keys()]))].sort()
  return [
    `${runs} runs of the command line, ${together} of them two at a time.`,
    table(
      ['', ...operations],
      kinds.map(kind => [kind, ...operations.map(operation => String(kills.get(operation)?.get(kind) ?? 0))]),
    ),
    ...(faults.size > 0 ? ['What the Bot API did:', table(['fault', 'times'], sorted(faults))] : []),
    ...(humans.size > 0
      ? ['What a person did to the chat:', table(['a person', 'times'], sorted(humans))]
      : []),
  ].join('\n\n')
}

function sorted(counts: ReadonlyMap<string, number>): string[][] {
  return [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([name, count]) => [name, String(count)])
}

function table(head: readonly string[], rows: readonly string[][]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map(cells => `| ${cells.join(' | ')} |`).join('\n')
}
