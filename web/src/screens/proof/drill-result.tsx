import { Badge } from '@mantine/core'
import CircleCheck from 'lucide-react/icons/circle-check'
import CircleDashed from 'lucide-react/icons/circle-dashed'
import CircleX from 'lucide-react/icons/circle-x'
import LoaderCircle from 'lucide-react/icons/loader-circle'
import TriangleAlert from 'lucide-react/icons/triangle-alert'
import { useFormat } from '#format/format.ts'
import type { DrillReport, DrillResult } from '#screens/proof/drill-report.ts'
import { wordOf } from '#shell/word-of.ts'
import { useWords } from '#words/language.tsx'

const LOOKS = {
  running: { color: 'blue', Icon: LoaderCircle },
  passed: { color: 'teal', Icon: CircleCheck },
  partly: { color: 'teal', Icon: CircleCheck },
  notCompared: { color: 'yellow', Icon: CircleDashed },
  differs: { color: 'red', Icon: TriangleAlert },
  notRestored: { color: 'red', Icon: CircleX },
} as const

export function ResultBadge({ result }: { result: DrillResult }) {
  const { proof } = useWords()
  const { color, Icon } = LOOKS[result]
  return (
    <Badge
      variant="default"
      tt="none"
      leftSection={<Icon size={14} color={`var(--mantine-color-${color}-6)`} aria-hidden />}
      data-result={result}
    >
      {proof.results[result]}
    </Badge>
  )
}

/** As `contents equal: 12 tables, 170,000 rows`. */
export function useComparedWords(): (report: DrillReport) => string {
  const { proof } = useWords()
  const format = useFormat()
  return ({ contents, compared }) => {
    const counts = (['tables', 'rows', 'members', 'roles'] as const).flatMap(name => {
      const count = compared[name]
      return count === undefined ? [] : [proof.counts[name](count, format.number(count))]
    })
    const words = contents === undefined ? undefined : wordOf(proof.contents, contents)
    return [words, counts.length === 0 ? undefined : counts.join(', ')]
      .filter(text => text !== undefined)
      .join(': ')
  }
}
