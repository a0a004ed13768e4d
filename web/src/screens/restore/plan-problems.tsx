import { Alert, List, Text } from '@mantine/core'
import type { RestorePreflight } from '#api/generated/types.gen.ts'
import { HintText } from '#shell/hint.tsx'
import { LongText } from '#shell/long-text.tsx'
import { useWords } from '#words/language.tsx'

type Problem = RestorePreflight['problems'][number]

/** What would stop the restore, and what is good to know; both in the words of the API. */
export function PlanProblems({ problems }: { problems: readonly Problem[] }) {
  const { plan: words } = useWords().restore
  const [blocking, warnings] = [
    problems.filter(({ blocks }) => blocks),
    problems.filter(({ blocks }) => !blocks),
  ]
  return (
    <>
      {blocking.length === 0 ? null : (
        <Alert color="red" variant="light" title={words.blocked} role="alert">
          <ProblemList problems={blocking} />
        </Alert>
      )}
      {warnings.length === 0 ? null : (
        <Alert color="yellow" variant="light" title={words.warnings} role="status">
          <ProblemList problems={warnings} />
        </Alert>
      )}
      {problems.length === 0 ? (
        <Text size="sm" role="status">
          {words.clear}
        </Text>
      ) : null}
    </>
  )
}

function ProblemList({ problems }: { problems: readonly Problem[] }) {
  return (
    <List size="sm" spacing="xs">
      {problems.map(({ code, text, hint }) => (
        <List.Item key={`${code} ${text}`}>
          <LongText>{text}</LongText>
          <HintText hint={hint} />
        </List.Item>
      ))}
    </List>
  )
}
